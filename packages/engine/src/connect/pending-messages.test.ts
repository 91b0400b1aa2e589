import { type Key, parseKey } from '@entente/protocol'
import { describe, expect, it } from 'vitest'
import { setup } from '../testing/index.js'
import { messageId, requireConnection } from './connection-facts.js'
import { PendingMessages, type Reaction } from './pending-messages.js'

/** Vera has messages of Paul’s, by their numbers; whatever she saves of them is written down. */
async function received(numbers: readonly number[]) {
  const { vera, paul, connection, settle } = await setup({ upTo: 'verified' })
  const [facts, { ownMessages }] = [requireConnection(vera.rows, connection), requireConnection(paul.rows, connection)]
  const pending = new PendingMessages(vera.context, 'z.')
  await paul.rows.save(numbers.map((number) => ({ object: 'Message', id: messageId(ownMessages, `z.${number}`), values: { body: 'x' } })))
  await settle()
  const saves: (readonly string[])[] = []
  vera.rows.watch((changes) => saves.push(changes.map(({ id }) => id)))
  const noted = (key: Key, values: Readonly<Record<string, string>> = { of: key }): Reaction => ({
    edits: [{ object: 'Note', id: key.slice(2), values }],
  })
  return { vera, facts, pending, saves, noted, noteOf: (id: string) => vera.rows.get('Note', id)?.registers['of']?.[1] }
}

describe('messages that ask for something to be saved', () => {
  it('are saved together, but those of one subject one after the other', async () => {
    const { facts, pending, saves, noted } = await received([1, 2, 3, 4])
    await pending.saveAll(
      facts,
      async (key) => noted(key),
      (key) => (key === 'z.3' ? 'z.1' : key),
    )
    expect(saves).toEqual([['1', '2', '4'], ['3']])
    await pending.saveAll(facts, async (key) => noted(key, { of: 'another' }))
    expect(saves).toHaveLength(2)
  })

  it('wait for those that change what they rest on, and are read again then', async () => {
    const { vera, facts, pending, saves } = await received([1, 2, 3])
    const read: (readonly [string, unknown])[] = []
    await pending.saveAll(facts, async (key) => {
      const before = vera.rows.get('Note', 'sum')?.registers['count']?.[1] ?? 0
      read.push([key, before])
      return { edits: [{ object: 'Note', id: 'sum', values: { count: Number(before) + 1 } }] }
    })
    expect(saves).toEqual([['sum'], ['sum'], ['sum']])
    expect(vera.rows.get('Note', 'sum')?.registers['count']?.[1]).toBe(3)
  })

  it('stay where one of them rests on what has changed meanwhile', async () => {
    const { facts, pending, saves, noted } = await received([1, 2])
    await pending.saveAll(facts, async (key) => ({ ...noted(key), condition: { holds: () => key === 'z.1' } }))
    expect(saves).toEqual([])
    await pending.saveAll(facts, async (key) => noted(key))
    expect(saves).toEqual([['1', '2']])
  })

  it('are saved one by one after a failure, so that one that cannot be saved holds up none before it', async () => {
    const { facts, pending, saves, noted, noteOf } = await received([1, 2, 3])
    const react = async (key: Key): Promise<Reaction> => noted(key, { of: key === parseKey('z.2') ? 'x'.repeat(3_000_000) : key })
    await expect(pending.saveAll(facts, react)).rejects.toThrow()
    expect(saves).toEqual([])
    await expect(pending.saveAll(facts, react)).rejects.toThrow()
    expect([noteOf('1'), noteOf('2')]).toEqual(['z.1', undefined])
    await pending.saveAll(facts, async (key) => noted(key))
    expect([noteOf('2'), noteOf('3')]).toEqual(['z.2', 'z.3'])
  })
})
