import { describe, expect, it } from 'vitest'
import type { Value } from '../schema/value.js'
import { lead, type MemoryRelay, setup } from '../testing/index.js'
import { textOf } from '../replica/feed-role.js'
import type { Rows } from '../row/rows.js'

describe('a large org', () => {
  it('lists half of 3,000 records and exports 500 of them within seconds', { timeout: 60_000 }, async () => {
    const { vera, paul, connection, relay, settle, finish, reload } = await setup({ upTo: 'shared' })
    const leads = Array.from({ length: 3_000 }, (_, index): Readonly<Record<string, Value>> =>
      lead(`Name${index}`, { Company: index % 2 ? 'Acme' : 'Other' }),
    )
    await finish(vera.records.createMany('Lead', leads))
    await settle()
    const { listings, total } = paul.site.listings(connection, 'Lead')
    expect(total).toBe(1_500)
    expect(vera.sharing.visible(connection, 'Lead')).toHaveLength(1_500)
    await finish(
      paul.site.export(
        connection,
        'Lead',
        listings.slice(0, 500).map(({ id }) => id),
      ),
    )
    await settle()
    expect(paul.site.jobs()[0]).toMatchObject({ total: 500, imported: 500, done: true })
    expect(paul.mirrors.count(connection)).toBe(500)
    // One edit afterwards is one update, to Vera’s team and to Paul: nothing looks at all records again, and the listing of what was exported stays as it was.
    const [first] = [...vera.rows.list('RecordMap').values()].map((row) => textOf(row, 'record') ?? '')
    const entries = countEntries(relay)
    await vera.records.edit('Lead', first ?? '', { Email: 'new@acme.example' })
    await settle()
    expect(countEntries(relay) - entries).toBe(2)
    await reload(vera)
    await settle()
    expect(countEntries(relay) - entries).toBe(2)
  })
})

describe('an export of hundreds of records', () => {
  it('[EX1, IM3] is answered, taken in and ended by few transactions, each for several requests', { timeout: 60_000 }, async () => {
    const { vera, paul, connection, settle, finish, exportListed } = await setup({ upTo: 'shared' })
    const leads = Array.from({ length: 500 }, (_, index): Readonly<Record<string, Value>> => lead(`Name${index}`))
    await finish(vera.records.createMany('Lead', leads))
    await settle()
    const saves = { vera: 0, paul: 0 }
    const count = (who: 'vera' | 'paul', rows: Rows): void =>
      void rows.watch((changes) => {
        if (changes.some(({ object, origin }) => object === 'RecordMap' && origin === 'own')) saves[who]++
      })
    count('vera', vera.rows)
    count('paul', paul.rows)
    await exportListed()
    await settle()
    expect(paul.site.jobs()[0]).toMatchObject({ total: 500, imported: 500, done: true })
    expect(vera.records.sharedOver('Lead', connection)).toHaveLength(500)
    // Ten requests of fifty: ten answers and ten ends at Vera, ten packages at Paul.
    expect(saves.vera).toBeLessThanOrEqual(12)
    expect(saves.paul).toBeLessThanOrEqual(7)
  })
})

/** How many entries the relay ever took. */
const countEntries = ({ state }: MemoryRelay): number => [...state.feeds.values()].reduce((sum, { head }) => sum + head, 0)
