import { beforeAll, describe, expect, it } from 'vitest'
import { type ManyOrgs, type MemoryOrg, type Neighbour, setupMany } from '../testing/index.js'

// Vera shares one record with three partners, and takes records of two vendors. The stories follow each other on the same orgs.

let vera: MemoryOrg
let partners: ManyOrgs['partners']
let vendors: ManyOrgs['vendors']
let settle: ManyOrgs['settle']

beforeAll(async () => {
  ;({ vera, partners, vendors, settle } = await setupMany())
})

const leadOf = (org: MemoryOrg, name: string): string =>
  org.records.list('Lead').records.find(({ values }) => values['LastName'] === name)?.id ?? ''

const mirrored = (record: string, field: string) =>
  Object.fromEntries(
    vera.mirrors.of('Lead', record).map(({ peerName, fields }) => [peerName, fields.find(({ name }) => name === field)?.value]),
  )

const edit = ({ org }: Neighbour, name: string, values: Parameters<MemoryOrg['records']['edit']>[2]) =>
  org.records.edit('Lead', leadOf(org, name), values)

describe('one record shared with three partners', () => {
  it('has a mirror of each; what two edit at once stays apart, and each of them sees Vera’s alone', async () => {
    const [bramble, corvid, dunlin] = partners as [Neighbour, Neighbour, Neighbour]
    const ada = leadOf(vera, 'Ada')
    for (const { org } of [bramble, corvid]) org.sync.cut()
    await edit(bramble, 'Ada', { Status: 'Working - Contacted' })
    await edit(corvid, 'Ada', { Status: 'Closed - Converted' })
    await edit(dunlin, 'Ada', { Email: 'dunlin@acme.example' })
    for (const { org } of [bramble, corvid]) org.sync.mend()
    await settle()
    expect(mirrored(ada, 'Status')).toEqual({
      'Bramble Partners': 'Working - Contacted',
      'Corvid Resale': 'Closed - Converted',
      'Dunlin Traders': 'Open - Not Contacted',
    })
    expect(vera.records.get('Lead', ada)?.values).toMatchObject({ Status: 'Open - Not Contacted', Email: 'ada@acme.example' })
    // Two peers changed one field of one record: two changes, one record to look at.
    expect(vera.changes.list({ field: 'Status' }).changes).toHaveLength(2)
    expect(vera.changes.count()).toBe(1)
    expect(vera.differences.list({ field: 'Status' })).toMatchObject({ records: 1 })

    await vera.records.edit('Lead', ada, { AnnualRevenue: { amount: '7', currency: 'EUR' } })
    await settle()
    for (const { org, connection } of partners) {
      const [mirror, ...others] = org.mirrors.of('Lead', leadOf(org, 'Ada'))
      expect(others).toEqual([])
      expect(mirror).toMatchObject({ connection, peerName: 'Vista', state: 'live' })
      expect(mirror?.fields.find(({ name }) => name === 'AnnualRevenue')?.value).toEqual({ amount: '7', currency: 'EUR' })
      expect(mirror?.fields.find(({ name }) => name === 'Status')?.value).toBe('Open - Not Contacted')
    }
  })
})

describe('a record of one of two vendors', () => {
  it('is exported by Vera, passed on where its vendor allows it, and never the other vendor’s', async () => {
    const [bramble] = partners as [Neighbour]
    const [egret, fennel] = vendors as [Neighbour, Neighbour]
    const rule = vera.sharing.rule(bramble.connection, 'Lead')
    if (!rule) throw new Error('Vera has no rule.')
    // Both copies are of Acme, as the rule asks.
    await vera.sharing.setRule(bramble.connection, 'Lead', { ...rule, copies: true })
    await settle()
    const listed = () => new Set(bramble.org.site.listings(bramble.connection, 'Lead').listings.map(({ values }) => values['LastName']))
    expect(listed()).toEqual(new Set(['Ada']))

    const view = egret.org.agreements.get(egret.connection)
    const offered = view?.proposal?.objects.Lead
    if (!offered) throw new Error('Egret has proposed nothing.')
    await egret.org.agreements.propose(egret.connection, { objects: { Lead: { ...offered, passOn: true } } })
    await settle()
    const fields = vera.agreements.suggest(egret.connection, 'Lead')
    await vera.agreements.accept(egret.connection, { objects: { Lead: { fields } } })
    await settle()
    expect(listed()).toEqual(new Set(['Ada', 'OfEgret']))

    const { listings } = bramble.org.site.listings(bramble.connection, 'Lead')
    const passed = listings.find(({ values }) => values['LastName'] === 'OfEgret')
    await bramble.org.site.export(bramble.connection, 'Lead', [passed?.id ?? ''])
    await settle()
    await edit(bramble, 'OfEgret', { Status: 'Closed - Converted' })
    await settle()
    // Beside Vera's copy stand both orgs' views of it. Egret sees Vera's copy, and nothing of Bramble.
    expect(mirrored(leadOf(vera, 'OfEgret'), 'Status')).toEqual({
      'Bramble Partners': 'Closed - Converted',
      'Egret Systems': 'Open - Not Contacted',
    })
    expect(egret.org.mirrors.of('Lead', leadOf(egret.org, 'OfEgret')).map(({ peerName }) => peerName)).not.toContain('Bramble Partners')
    expect(egret.org.connections.list()).toHaveLength(1)
    expect(fennel.org.records.shares('Lead', leadOf(fennel.org, 'OfFennel'))).toHaveLength(1)
  })
})

describe('when one of three partners disconnects', () => {
  it('the two others and the vendors go on, and its mirror stays as it was', async () => {
    const [bramble, corvid, dunlin] = partners as [Neighbour, Neighbour, Neighbour]
    const [egret] = vendors as [Neighbour]
    const ada = leadOf(vera, 'Ada')
    await edit(corvid, 'Ada', { Status: 'Working - Contacted' })
    await settle()
    await corvid.org.connections.disconnect(corvid.connection)
    await settle()
    await vera.records.edit('Lead', ada, { Email: 'after@acme.example' })
    await edit(bramble, 'Ada', { Status: 'Closed - Converted' })
    await edit(corvid, 'Ada', { Status: 'Closed - Not Converted' })
    await edit(egret, 'OfEgret', { Status: 'Working - Contacted' })
    await settle()
    expect(mirrored(ada, 'Status')).toMatchObject({
      'Bramble Partners': 'Closed - Converted',
      'Corvid Resale': 'Working - Contacted',
    })
    expect(vera.mirrors.of('Lead', ada).map(({ peerName, state }) => [peerName, state])).toEqual(
      expect.arrayContaining([
        ['Bramble Partners', 'live'],
        ['Corvid Resale', 'frozen'],
      ]),
    )
    const emailAt = ({ org }: Neighbour) =>
      org.mirrors.of('Lead', leadOf(org, 'Ada'))[0]?.fields.find(({ name }) => name === 'Email')?.value
    expect([bramble, corvid, dunlin].map(emailAt)).toEqual(['after@acme.example', 'ada@acme.example', 'after@acme.example'])
    expect(mirrored(leadOf(vera, 'OfEgret'), 'Status')).toMatchObject({ 'Egret Systems': 'Working - Contacted' })
    expect(vera.connections.list().map(({ state }) => state)).toEqual(expect.arrayContaining(['Disabled', 'Enabled']))
    expect(vera.records.shares('Lead', ada).filter(({ state }) => state === 'ended')).toHaveLength(1)
  })
})
