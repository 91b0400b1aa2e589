import { describe, expect, it } from 'vitest'
import { setup } from '../testing/index.js'
import { messageId, requireConnection } from './connection-facts.js'

describe('an unverified peer that sends without end', () => {
  it.each([
    ['a thousand messages', 1_000, 10],
    ['forty of 20 KB', 40, 20_000],
  ])(
    '[IS4] %s: Vera’s device keeps a bounded part, says so, and reads on once she has compared the codes (row 91)',
    async (_, count, length) => {
      const { vera, paul, connection, settle, reload } = await setup({ upTo: 'connected' })
      const { ownMessages } = requireConnection(paul.rows, connection)
      for (let start = 0; start < count; start += 100)
        await paul.rows.save(
          Array.from({ length: Math.min(100, count - start) }, (__, index) => ({
            object: 'Message',
            id: messageId(ownMessages, `l.${start + index}`),
            values: { body: 'x'.repeat(length) },
          })),
        )
      await settle()
      const kept = () => [...vera.replica.inbox(ownMessages).values()]
      expect(kept().length).toBeLessThanOrEqual(64)
      expect(kept().reduce((sum, { body }) => sum + JSON.stringify(body).length, 0)).toBeLessThanOrEqual(256 * 1024)
      expect(vera.connections.get(connection)?.problem).toMatch(/more than a stranger/)
      expect(vera.problems.join()).toMatch(/more than a stranger/)
      expect(paul.connections.get(connection)?.problem).toMatch(/until its admin has compared/)
      expect(paul.problems.join()).toMatch(/until its admin has compared/)
      const again = await reload(vera)
      await settle(again, paul)
      expect(again.replica.inbox(ownMessages).size).toBeLessThanOrEqual(64)
      await again.connections.compareCodes(connection, true)
      await settle(again, paul)
      expect(again.replica.inbox(ownMessages).size).toBeGreaterThanOrEqual(count)
      expect(again.connections.get(connection)?.problem).toBeUndefined()
      expect(paul.connections.get(connection)?.problem).toBeUndefined()
    },
  )
})
