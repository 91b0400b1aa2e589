import { describe, expect, it } from 'vitest'
import { type Engine, findField, listValues, standardLead } from '../index.js'
import { lead, setup } from '../testing/index.js'

/** Five leads at both orgs; everything that came with the export is the same on both sides. */
async function story() {
  const orgs = await setup({ upTo: 'shared' })
  const { vera, settle } = orgs
  for (const [index, name] of ['Ada', 'Ben', 'Cleo', 'Dora', 'Emil'].entries())
    await vera.records.create(
      'Lead',
      lead(name, { AnnualRevenue: { amount: String(1000 * (index + 1)), currency: index < 3 ? 'EUR' : 'JPY' } }),
    )
  await settle()
  await orgs.exportListed()
  await settle()
  const named = (org: Engine, name: string): string =>
    org.records.list('Lead').records.find(({ values }) => values['LastName'] === name)?.id ?? ''
  const edit = (org: Engine, name: string, values: Parameters<Engine['records']['edit']>[2]) =>
    org.records.edit('Lead', named(org, name), values)
  return { ...orgs, named, edit }
}

const told = (org: Engine) => org.changes.list().changes.map(({ field, from, to }) => [field?.name, from, to])
const fieldsOf = (org: Engine, query?: Parameters<Engine['differences']['list']>[0]) =>
  org.differences.list(query).differences.map(({ own, ours, theirs }) => [own.name, ours, theirs])

describe('what changed at the peers', () => {
  it('lists each edit since the export with the value before it, and forgets it once it is seen', async () => {
    const { vera, paul, settle, edit, named, connection } = await story()
    expect([paul.changes.count(), vera.changes.count()]).toEqual([0, 0])

    await edit(vera, 'Ada', { Status: 'Working - Contacted' })
    await settle()
    expect(told(paul)).toEqual([['Status', 'Open - Not Contacted', 'Working - Contacted']])
    expect(paul.changes.list().changes[0]).toMatchObject({ object: 'Lead', record: named(paul, 'Ada'), connection, what: 'field' })
    expect([paul.changes.count(), vera.changes.count()]).toEqual([1, 0])

    await edit(vera, 'Ada', { Status: 'Closed - Not Converted' })
    await settle()
    expect(told(paul)).toEqual([['Status', 'Open - Not Contacted', 'Closed - Not Converted']])

    await paul.changes.markSeen()
    expect([told(paul), paul.changes.count()]).toEqual([[], 0])
    await edit(vera, 'Ada', { Status: 'Open - Not Contacted' })
    await settle()
    expect(told(paul)).toEqual([['Status', 'Closed - Not Converted', 'Open - Not Contacted']])
  })

  it('tells the vendor of the first edit of a copy, in the partner’s values', async () => {
    const { vera, paul, settle, edit, named } = await story()
    await edit(paul, 'Ben', { Email: 'ben@new.example' })
    await settle()
    expect(told(vera)).toEqual([['Email', 'ben@acme.example', 'ben@new.example']])
    expect(vera.changes.list().changes[0]?.record).toBe(named(vera, 'Ben'))
  })

  it('marks what was listed and not what came since', async () => {
    const { vera, paul, settle, edit } = await story()
    await edit(vera, 'Ada', { Status: 'Working - Contacted' })
    await edit(vera, 'Ben', { Email: 'ben@new.example' })
    await settle()
    const listed = paul.changes.list({ field: 'Status' }).changes
    expect(listed).toHaveLength(1)
    await edit(vera, 'Ada', { Status: 'Closed - Converted' })
    await settle()
    await paul.changes.markSeen(listed.map(({ id }) => id))
    expect(paul.changes.count()).toBe(2)
    await paul.changes.markSeen(paul.changes.list({ field: 'Status' }).changes.map(({ id }) => id))
    expect(told(paul)).toEqual([['Email', 'ben@acme.example', 'ben@new.example']])
  })

  it('stays seen after a reload, and an edit that arrives late is not taken for seen', async () => {
    const { vera, paul, settle, edit, reload } = await story()
    vera.sync.cut()
    await edit(vera, 'Ada', { Status: 'Working - Contacted' })
    await edit(vera, 'Ben', { Status: 'Working - Contacted' })
    await settle(paul)
    await paul.changes.markSeen()
    vera.sync.mend()
    await settle()
    expect(paul.changes.count()).toBe(2)
    await paul.changes.markSeen(
      paul.changes
        .list()
        .changes.slice(0, 1)
        .map(({ id }) => id),
    )
    const again = await reload(paul)
    await settle(vera, again)
    expect(again.changes.count()).toBe(1)
  })

  it('says that a record was taken back, and that it is there again', async () => {
    const { vera, paul, settle, named } = await story()
    const [share] = vera.records.shares('Lead', named(vera, 'Ada'))
    await vera.records.stopSharing(share?.id ?? '')
    await settle()
    expect(paul.changes.list().changes).toMatchObject([{ what: 'ended', field: undefined }])
    await paul.changes.markSeen()
    await vera.records.resumeSharing(share?.id ?? '')
    await settle()
    expect(paul.changes.list().changes).toMatchObject([{ what: 'resumed' }])
  })

  it('tells those who watch', async () => {
    const { vera, paul, settle, edit } = await story()
    const topics = new Set<string>()
    paul.watch((changed) => changed.forEach((topic) => topics.add(topic)))
    await edit(vera, 'Ada', { Status: 'Working - Contacted' })
    await settle()
    expect([...topics]).toEqual(expect.arrayContaining(['changes', 'differences']))
  })
})

describe('where two orgs differ', () => {
  it('lists exactly the fields that were edited on one side, the stage first, until both say the same', async () => {
    const { vera, paul, settle, edit } = await story()
    expect([fieldsOf(vera), fieldsOf(paul)]).toEqual([[], []])
    await edit(vera, 'Ada', { Email: 'ada@new.example' })
    await edit(vera, 'Dora', { Status: 'Working - Contacted', Description: 'Only ours' })
    await edit(paul, 'Ben', { Status: 'Closed - Converted' })
    await settle()
    const listed = fieldsOf(paul)
    expect(listed.map(([name]) => name)).toEqual(['Status', 'Status', 'Email'])
    expect(new Set(listed)).toEqual(
      new Set([
        ['Status', 'Closed - Converted', 'Open - Not Contacted'],
        ['Status', 'Open - Not Contacted', 'Working - Contacted'],
        ['Email', 'ada@acme.example', 'ada@new.example'],
      ]),
    )
    // The vendor has no mirror of a copy that nobody has edited.
    expect(fieldsOf(vera)).toEqual([['Status', 'Open - Not Contacted', 'Closed - Converted']])
    expect(paul.differences.list()).toMatchObject({ records: 3, pending: 0 })

    await edit(paul, 'Ada', { Email: 'ada@new.example' })
    await edit(vera, 'Ben', { Status: 'Closed - Converted' })
    await settle()
    expect(fieldsOf(paul)).toEqual([['Status', 'Open - Not Contacted', 'Working - Contacted']])
    expect(fieldsOf(vera)).toEqual([])
  })

  it('sorts by the value at stake, each currency by itself, and never adds two of them', async () => {
    const orgs = await setup({ upTo: 'verified' })
    const { vera, paul, settle, connection } = orgs
    const fields = ['Name', 'StageName', 'Amount', 'CloseDate'].flatMap((name) => findField(vera.records.schema('Opportunity'), name) ?? [])
    await vera.agreements.propose(connection, { objects: { Opportunity: { fields: fields.map((field) => ({ field, update: true })) } } })
    await settle()
    await paul.agreements.accept(connection, { objects: { Opportunity: { fields: paul.agreements.suggest(connection, 'Opportunity') } } })
    await settle()
    const amounts = { A: ['900.50', 'EUR'], B: ['12000', 'JPY'], C: ['1000', 'EUR'], D: ['5', 'USD'], E: undefined } as const
    for (const [Name, money] of Object.entries(amounts)) {
      const Amount = money ? { amount: money[0], currency: money[1] } : null
      await vera.records.create('Opportunity', { Name, StageName: 'Prospecting', CloseDate: '2027-01-31', Amount })
    }
    await vera.sharing.setRule(connection, 'Opportunity', {
      match: 'all',
      conditions: [{ field: 'Name', operator: 'isNotEmpty' }],
      added: [],
      hidden: [],
    })
    await settle()
    const { listings } = paul.site.listings(connection, 'Opportunity')
    await paul.site.export(
      connection,
      'Opportunity',
      listings.map(({ id }) => id),
    )
    await settle()
    await paul.settings.change({ currency: 'USD' })
    for (const { id } of vera.records.list('Opportunity').records)
      await vera.records.edit('Opportunity', id, { StageName: 'Closed Won', CloseDate: '2027-02-28' })
    await settle()
    const names = (query: Parameters<Engine['differences']['list']>[0]) =>
      paul.differences.list(query).differences.map(({ record }) => paul.records.get('Opportunity', record)?.values['Name'])
    expect(names({ sort: 'value', field: 'StageName' })).toEqual(['D', 'C', 'A', 'B', 'E'])
    expect(names({ stake: { currency: 'EUR', least: '950' } })).toEqual(['C', 'C'])
    expect(paul.differences.list()).toMatchObject({
      records: 5,
      stakes: [
        { currency: 'USD', amount: '5', records: 1 },
        { currency: 'EUR', amount: '1900.5', records: 2 },
        { currency: 'JPY', amount: '12000', records: 1 },
      ],
    })
    expect(paul.differences.list().differences.map(({ own }) => own.name)).toEqual([
      ...Array(5).fill('StageName'),
      ...Array(5).fill('CloseDate'),
    ])
  })

  it('reads each side’s picklist by the agreed table, also where one side has a text', async () => {
    const orgs = await setup({ upTo: 'verified' })
    const { vera, paul, settle, connection } = orgs
    await paul.records.addField('Lead', { name: 'Phase__c', label: 'Phase', type: 'picklist', picklist: listValues(['Neu', 'In Arbeit']) })
    await paul.records.addField('Lead', { name: 'Herkunft__c', label: 'Herkunft', type: 'text' })
    const offered = ['LastName', 'Company', 'Status', 'LeadSource'].flatMap((name) => findField(standardLead, name) ?? [])
    await vera.agreements.propose(connection, { objects: { Lead: { fields: offered.map((field) => ({ field, update: true })) } } })
    await settle()
    const table = {
      'Open - Not Contacted': 'Neu',
      'Working - Contacted': 'In Arbeit',
      'Closed - Converted': 'In Arbeit',
      'Closed - Not Converted': 'In Arbeit',
    }
    await paul.agreements.accept(connection, {
      objects: {
        Lead: {
          fields: [
            { source: 'LastName', target: 'LastName', update: true },
            { source: 'Company', target: 'Company', update: true },
            { source: 'Status', target: 'Phase__c', update: true, picklist: table },
            { source: 'LeadSource', target: 'Herkunft__c', update: true },
          ],
          defaults: { Status: 'Open - Not Contacted' },
        },
      },
    })
    await settle()
    await vera.records.create('Lead', lead('Ada', { LeadSource: 'Web' }))
    await vera.sharing.setRule(connection, 'Lead', {
      match: 'all',
      conditions: [{ field: 'Company', operator: 'equals', value: 'Acme' }],
      added: [],
      hidden: [],
    })
    await settle()
    await orgs.exportListed()
    await settle()
    const [original] = vera.records.list('Lead').records
    const [copy] = paul.records.list('Lead').records
    expect(copy?.values).toMatchObject({ Phase__c: 'Neu', Herkunft__c: 'Web' })
    const mirrored = (name: string) => paul.mirrors.of('Lead', copy?.id ?? '')[0]?.fields.find((field) => field.name === name)?.differs
    expect([fieldsOf(paul), mirrored('Status'), mirrored('LeadSource')]).toEqual([[], false, false])

    await vera.records.edit('Lead', original?.id ?? '', { Status: 'Working - Contacted', LeadSource: 'Other' })
    await settle()
    expect(fieldsOf(paul)).toEqual([
      ['Phase__c', 'Neu', 'Working - Contacted'],
      ['Herkunft__c', 'Web', 'Other'],
    ])
    expect([mirrored('Status'), mirrored('LeadSource')]).toEqual([true, true])
    // "In Arbeit" stands for three of the vendor's values.
    await paul.records.edit('Lead', copy?.id ?? '', { Phase__c: 'In Arbeit' })
    expect(fieldsOf(paul)).toEqual([['Herkunft__c', 'Web', 'Other']])
    expect(told(paul)).toEqual([
      ['LeadSource', 'Web', 'Other'],
      ['Status', 'Open - Not Contacted', 'Working - Contacted'],
    ])
  })

  it('has nothing to say of a record that is shared no more', async () => {
    const { vera, paul, settle, edit, named } = await story()
    await edit(vera, 'Ada', { Status: 'Working - Contacted' })
    await settle()
    expect(fieldsOf(paul)).toHaveLength(1)
    const [share] = paul.records.shares('Lead', named(paul, 'Ada'))
    await paul.records.stopSharing(share?.id ?? '')
    await settle()
    expect(fieldsOf(paul)).toEqual([])
  })
})
