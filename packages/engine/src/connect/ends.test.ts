import { describe, expect, it } from 'vitest'
import { connectionFeed } from '../replica/feed-role.js'
import { setup } from '../testing/index.js'

describe('the end of a share', () => {
  it('[ER1, EX5] by a deleted copy: Vera is told, and Paul exports it again', async () => {
    const { vera, paul, connection, record, copy, settle, exportListed } = await setup({ upTo: 'exported' })
    await paul.records.remove('Lead', copy)
    await settle()
    expect(vera.mirrors.of('Lead', record)[0]).toMatchObject({ state: 'frozen' })
    const feed = connectionFeed(connection, 'partner', 'lead')
    expect([...vera.replica.peerDocs(feed).values()].map(({ exists }) => exists?.[1])).toEqual(['deleted'])

    const job = await exportListed()
    await settle()
    expect(paul.site.jobs().find(({ id }) => id === job)).toMatchObject({ imported: 1, skipped: 0, failed: 0 })
    expect(paul.records.get('Lead', copy)?.values['LastName']).toBe('Ada')
    expect(paul.site.listings(connection, 'Lead').listings[0]?.copy).toBe(copy)
    await vera.records.edit('Lead', record, { Status: 'Working - Contacted' })
    await settle()
    const [mirror] = paul.mirrors.of('Lead', copy)
    expect([mirror?.state, mirror?.fields.find(({ name }) => name === 'Status')?.value]).toEqual(['live', 'Working - Contacted'])
    await paul.records.edit('Lead', copy, { Status: 'Closed - Converted' })
    await settle()
    expect(vera.mirrors.of('Lead', record)[0]?.state).toBe('live')
  })

  it('by a disconnect: what Paul edited offline meanwhile waits for nothing', async () => {
    const { vera, paul, connection, copy, finish } = await setup({ upTo: 'exported' })
    paul.sync.cut()
    await paul.records.edit('Lead', copy, { Status: 'Working - Contacted' })
    await vera.connections.disconnect(connection)
    await finish(vera.sync.settled(60_000))
    await paul.records.edit('Lead', copy, { Email: 'ada@new.example' })
    paul.sync.mend()
    await finish(paul.sync.settled(60_000))
    expect(paul.sync.status()).toMatchObject({ state: 'online', waiting: 0 })
  })
})
