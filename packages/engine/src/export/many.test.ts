import { describe, expect, it } from 'vitest'
import type { Value } from '../schema/value.js'
import { connection, lead, openAgreed, openOrg, settle, type Wire } from './two-orgs.js'
import { textOf } from '../replica/feed-role.js'

describe('a large org', () => {
  it('lists half of 8,800 records and exports 1,000 of them within seconds', { timeout: 60_000 }, async () => {
    const { vera, paul, wire } = await openAgreed()
    await vera.records.createMany(
      'Lead',
      Array.from({ length: 8_800 }, (_, index): Readonly<Record<string, Value>> =>
        lead(`Name${index}`, { Company: index % 2 ? 'Acme' : 'Other' }),
      ),
    )
    await settle(wire, vera, paul)
    const { listings, total } = paul.site.listings(connection, 'Lead')
    expect(total).toBe(4_400)
    expect(vera.sharing.visible(connection, 'Lead')).toHaveLength(4_400)
    await paul.site.export(
      connection,
      'Lead',
      listings.slice(0, 1_000).map(({ id }) => id),
    )
    await settle(wire, vera, paul)
    expect(paul.site.jobs()[0]).toMatchObject({ total: 1_000, imported: 1_000, done: true })
    expect(paul.mirrors.count(connection)).toBe(1_000)
    // One edit afterwards is one update: nothing looks at all records again, and the listing of what was exported stays as it was.
    const [first] = [...vera.context.rows.list('RecordMap').values()].map((row) => textOf(row, 'record') ?? '')
    const entries = countEntries(wire)
    await vera.records.edit('Lead', first ?? '', { Email: 'new@acme.example' })
    await settle(wire, vera, paul)
    expect(countEntries(wire) - entries).toBe(1)
    vera.close()
    const again = await openOrg('vendor', { store: vera.store })
    await settle(wire, again, paul)
    expect(countEntries(wire) - entries).toBe(1)
  })
})

const countEntries = (wire: Wire): number => [...wire.entriesByFeed.values()].reduce((sum, list) => sum + list.length, 0)
