import { feedName, sides } from '@entente/protocol'
import { describe, expect, it } from 'vitest'
import { leadFields, type MemoryOrg, setup } from '../testing/index.js'
import { docsOf, slotsWithBytes } from '../testing/relay-contents.js'

/** Vera and Paul have agreed that Email, Status and AnnualRevenue flow, and Paul has worked on his copy of Ada. */
const story = async () => {
  const orgs = await setup({ upTo: 'exported' })
  const { vera, paul, connection, record, copy, relay, settle } = orgs
  await paul.records.edit('Lead', copy, { Status: 'Working - Contacted', Email: 'paul@buyer.example' })
  await settle()
  const propose = (updates: readonly string[]) =>
    vera.agreements.propose(connection, {
      objects: {
        Lead: {
          fields: vera.records
            .schema('Lead')
            .fields.filter(({ name }) => [...leadFields, ...updates].includes(name))
            .map((field) => ({ field, update: updates.includes(field.name) })),
        },
      },
    })
  const line = (source: string) => ({ source, target: source, update: true })
  const accept = (...chosen: readonly string[]) =>
    paul.agreements.accept(connection, {
      objects: { Lead: { fields: paul.agreements.suggest(connection, 'Lead', chosen.map(line)) } },
    })
  const flowing = (org: MemoryOrg) =>
    org.agreements
      .get(connection)
      ?.effective?.objects.Lead?.fields.flatMap(({ slot, vendor }) => (slot === undefined ? [] : [vendor.name]))
      .sort()
  const shown = (org: MemoryOrg, id: string, name: string) => org.mirrors.of('Lead', id)[0]?.fields.find((field) => field.name === name)
  /** The slots of docs at the relay that hold bytes, of either side. */
  const atRelay = () =>
    sides.flatMap((side) =>
      docsOf(relay.state, feedName({ kind: 'connection', connection, side, topic: 'lead' })).flatMap(([, kept]) => slotsWithBytes(kept)),
    )
  return {
    ...orgs,
    propose,
    accept,
    flowing,
    atRelay,
    ofVera: (name: string) => shown(paul, copy, name),
    ofPaul: (name: string) => shown(vera, record, name),
  }
}

describe('decisions that cross', () => {
  it('[AG1, WD2] a withdrawal by Paul and a proposal by Vera: the field is gone at once, and Paul is not made to take it back', async () => {
    const { vera, paul, connection, settle, propose, accept, flowing, ofPaul } = await story()
    await Promise.all([propose(['Email', 'Status', 'Phone']), paul.agreements.withdraw(connection, 'Lead', ['Email'])])
    await settle()
    for (const org of [vera, paul]) {
      expect(org.agreements.get(connection)).toMatchObject({ state: 'proposed', turn: 'partner', withdrawn: [{ by: 'partner' }] })
      expect(flowing(org)).toEqual(['AnnualRevenue', 'Status'])
    }
    expect(ofPaul('Email')?.state).toBe('not shared')
    await accept('Phone')
    await settle()
    for (const org of [vera, paul]) expect(flowing(org)).toEqual(['Phone', 'Status'])
    expect([vera.problems, paul.problems]).toEqual([[], []])
  })

  it('[WD4] a withdrawal by Vera and Paul’s acceptance of a version that she had proposed before: the field stays withdrawn', async () => {
    const { vera, paul, connection, settle, propose, accept, flowing, atRelay, ofVera, ofPaul } = await story()
    await propose(['Email', 'Status', 'Phone'])
    await settle()
    await Promise.all([vera.agreements.withdraw(connection, 'Lead', ['Status']), accept('Phone')])
    await settle()
    for (const org of [vera, paul]) {
      expect(org.agreements.get(connection)).toMatchObject({ state: 'agreed', effective: { version: 2 } })
      expect(flowing(org)).toEqual(['Email', 'Phone'])
      expect(org.agreements.get(connection)?.withdrawn).toMatchObject([
        { object: 'Lead', by: 'vendor', person: vera.user.id, field: { vendor: { name: 'Status' } } },
      ])
    }
    expect([ofVera('Status')?.state, ofPaul('Status')?.state]).toEqual(['not shared', 'not shared'])
    const slot = paul.agreements.get(connection)?.withdrawn[0]?.field.slot
    expect(atRelay()).not.toContain(slot)
    expect([vera.problems, paul.problems]).toEqual([[], []])
    // What she proposes afterwards, she means.
    await propose(['Email', 'Status', 'Phone'])
    await settle()
    await accept('Status')
    await settle()
    for (const org of [vera, paul]) expect(flowing(org)).toEqual(['Email', 'Phone', 'Status'])
    expect(ofVera('Status')?.state).toBe('value')
  })

  it('[WD4] and the same where Paul has read the withdrawal before he accepts, or neither can hear the other for long', async () => {
    const { vera, paul, connection, settle, propose, accept, flowing } = await story()
    await propose(['Email', 'Status', 'Phone'])
    await settle()
    paul.sync.cut()
    await vera.agreements.withdraw(connection, 'Lead', ['Email'])
    await settle()
    await accept('Phone')
    await settle()
    paul.sync.mend()
    await settle()
    for (const org of [vera, paul]) expect(flowing(org)).toEqual(['Phone', 'Status'])
    await propose(['Email', 'Status'])
    await settle()
    await vera.agreements.withdraw(connection, 'Lead', ['Status'])
    await settle()
    await accept('Email', 'Status')
    await settle()
    for (const org of [vera, paul]) expect(flowing(org)).toEqual(['Email'])
  })

  it('[WD4] what Paul withdrew while a proposal waited, he may take by accepting it', async () => {
    const { vera, paul, connection, settle, propose, accept, flowing } = await story()
    await propose(['Email', 'Status', 'Phone'])
    await settle()
    await paul.agreements.withdraw(connection, 'Lead', ['Email'])
    await settle()
    await accept('Email')
    await settle()
    for (const org of [vera, paul]) {
      expect(flowing(org)).toEqual(['Email', 'Status'])
      expect(org.agreements.get(connection)?.withdrawn).toEqual([])
    }
  })
})
