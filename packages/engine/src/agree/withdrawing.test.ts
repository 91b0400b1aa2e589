import { feedName, policyKey, type Side, sides } from '@entente/protocol'
import { describe, expect, it } from 'vitest'
import { messageId, requireConnection } from '../connect/connection-facts.js'
import { textOf } from '../replica/feed-role.js'
import { type MemoryOrg, setup } from '../testing/index.js'
import { docsOf, slotsWithBytes } from '../testing/relay-contents.js'

const story = async () => {
  const orgs = await setup({ upTo: 'exported' })
  const { vera, paul, connection, record, copy, relay, settle } = orgs
  await paul.records.edit('Lead', copy, { Status: 'Working - Contacted', Email: 'paul@buyer.example' })
  await settle()
  const nameOf = new Map(
    vera.agreements
      .get(connection)
      ?.effective?.objects.Lead?.fields.flatMap(({ slot, vendor }) => (slot === undefined ? [] : [[slot, vendor.name] as const])),
  )
  /** The fields of which the relay has bytes in docs of a side. */
  const atRelay = (side: Side) =>
    docsOf(relay.state, feedName({ kind: 'connection', connection, side, topic: 'lead' })).flatMap(([, kept]) =>
      slotsWithBytes(kept).map((slot) => nameOf.get(slot)),
    )
  const mirrored = ({ mirrors }: MemoryOrg, id: string, name: string) =>
    mirrors.of('Lead', id)[0]?.fields.find((field) => field.name === name)
  return {
    ...orgs,
    atRelay,
    ofVera: (name: string) => mirrored(paul, copy, name),
    ofPaul: (name: string) => mirrored(vera, record, name),
  }
}

describe('a field that one side withdraws', () => {
  it.each(sides)('[WD1, WD2, WD3] by the %s alone stops at once, both ways, and leaves no byte at the relay', async (side) => {
    const { vera, paul, connection, copy, settle, atRelay, ofVera, ofPaul } = await story()
    expect([ofVera('Status')?.state, ofPaul('Status')?.value]).toEqual(['value', 'Working - Contacted'])
    expect([atRelay('vendor'), atRelay('partner')].every((slots) => slots.includes('Status'))).toBe(true)

    const [own, other] = side === 'vendor' ? [vera, paul] : [paul, vera]
    await own.agreements.withdraw(connection, 'Lead', ['Status'])
    await settle()

    expect([ofVera('Status')?.state, ofPaul('Status')?.state]).toEqual(['not shared', 'not shared'])
    // What both still agree on goes on.
    expect([ofVera('Email')?.state, ofPaul('Email')?.value]).toEqual(['value', 'paul@buyer.example'])
    for (const each of sides) expect(atRelay(each)).not.toContain('Status')
    // The copy keeps what it got.
    expect(paul.records.get('Lead', copy)?.values['Status']).toBe('Working - Contacted')
    for (const org of [own, other]) {
      const view = org.agreements.get(connection)
      expect(view?.withdrawn).toMatchObject([{ object: 'Lead', by: side, field: { vendor: { name: 'Status' } } }])
      expect(view?.effective?.objects.Lead?.fields.map(({ vendor }) => vendor.name)).not.toContain('Status')
      expect(view?.state).toBe('agreed')
    }
    const policy = textOf(own.rows.get('ControlEntry', messageId(requireConnection(own.rows, connection).ownMessages, policyKey)), 'body')
    expect(JSON.parse(policy ?? '')).toMatchObject({ withdrawn: { lead: [expect.any(String)], opportunity: [] } })

    await vera.records.edit('Lead', vera.records.list('Lead').records[0]?.id ?? '', {
      Status: 'Closed - Converted',
      Email: 'vera@seller.example',
    })
    await settle()
    expect([ofVera('Status')?.state, ofVera('Email')?.value]).toEqual(['not shared', 'vera@seller.example'])
    expect(atRelay('vendor')).not.toContain('Status')
  })

  it('while the other side is offline is gone there with its next visit, and its own bytes too', async () => {
    const { vera, paul, connection, settle, atRelay, ofVera } = await story()
    paul.sync.cut()
    await settle()
    await vera.agreements.withdraw(connection, 'Lead', ['Status'])
    await settle()
    expect(atRelay('vendor')).not.toContain('Status')
    expect(ofVera('Status')?.state).toBe('value')
    paul.sync.mend()
    await settle()
    expect(ofVera('Status')?.state).toBe('not shared')
    expect(atRelay('partner')).not.toContain('Status')
  })

  it('leaves nothing on its way at who did not edit the record, while the other side is offline', async () => {
    const { vera, paul, connection, record, settle } = await setup({ upTo: 'exported' })
    expect(vera.records.shares('Lead', record)[0]?.state).toBe('current')
    paul.sync.cut()
    await vera.agreements.withdraw(connection, 'Lead', ['Status'])
    await settle()
    // Its doc was begun anew without the field; the copy has every value of it.
    expect(vera.records.shares('Lead', record)).toMatchObject([{ state: 'current', outbound: 'ExportSuccess', receipt: undefined }])
    await vera.records.edit('Lead', record, { Email: 'vera@seller.example' })
    expect(vera.records.shares('Lead', record)).toMatchObject([{ state: 'sending', outbound: 'UpdateInProgress' }])
  })

  it('leaves nothing on its way at who edited other fields, which the other side has read', async () => {
    const { vera, paul, connection, record, settle, reload, clock, pass } = await setup({ upTo: 'exported' })
    const shown = (org: MemoryOrg) => org.records.shares('Lead', record)[0]
    /** Turns the clock until Paul has signed that he read it. */
    const read = async (org: MemoryOrg): Promise<void> => {
      for (let second = 0; second < 200 && shown(org)?.receipt?.reached !== 'peer'; second++) {
        clock.advance(1_000)
        await pass(10)
      }
    }
    await vera.records.edit('Lead', record, { Email: 'vera@seller.example' })
    await read(vera)
    const before = shown(vera)
    expect(before).toMatchObject({ state: 'current', outbound: 'UpdateSuccess', receipt: { reached: 'peer' } })
    paul.sync.cut()
    await vera.records.edit('Lead', record, { Status: 'Closed - Converted' })
    await settle()
    expect(shown(vera)).toMatchObject({ state: 'sending', receipt: { reached: 'relay' } })
    // Of the two edits nobody has read the one of this field.
    vera.sync.cut()
    await vera.agreements.withdraw(connection, 'Lead', ['Status'])
    expect(shown(vera)).toEqual(before)
    vera.sync.mend()
    await settle()
    expect(shown(vera)).toEqual(before)
    const again = await reload(vera)
    expect(shown(again)).toEqual(before)
    await again.records.edit('Lead', record, { Email: 'again@seller.example' })
    await settle()
    expect(shown(again)).toMatchObject({ state: 'sending', outbound: 'UpdateInProgress' })
    paul.sync.mend()
    await read(again)
    expect(shown(again)).toMatchObject({ state: 'current', outbound: 'UpdateSuccess' })
  })

  it('[PO10] is shown to no device any more, though its owner is away; once the owner is back, the rest goes on', async () => {
    const { vera, paul, connection, copy, clock, pass, settle, openAnotherDevice, ofPaul } = await story()
    const stateAt = (org: MemoryOrg) => org.mirrors.of('Lead', copy)[0]?.signed.state
    const steps = async (count: number, ms: number, check: () => void = () => undefined): Promise<void> => {
      for (let step = 0; step < count; step++) {
        clock.advance(ms)
        await pass(5)
        check()
      }
    }
    await steps(30, 1_000)
    expect(stateAt(paul)).toBe('signed')
    vera.sync.cut()
    await settle()
    await vera.records.edit('Lead', vera.records.list('Lead').records[0]?.id ?? '', {
      Status: 'Closed - Converted',
      Email: 'v@seller.example',
    })
    await paul.agreements.withdraw(connection, 'Lead', ['Status'])
    await settle()
    const pia = await openAnotherDevice(paul, { userName: 'Pia' })
    await settle()
    const seen = (name: string) => pia.mirrors.of('Lead', copy)[0]?.fields.find((field) => field.name === name)
    expect([seen('Status')?.state, seen('Email')?.state]).toEqual(['not shared', 'value'])
    // The owner signed what this device must not read, before it heard of the withdrawal: that is no lie of the relay.
    await steps(150, 5_000, () => expect([paul, pia].map(stateAt).join()).toMatch(/^(signed|waiting),waiting$/))
    vera.sync.mend()
    await settle()
    expect([seen('Status')?.state, seen('Email')?.value, ofPaul('Status')?.state]).toEqual(['not shared', 'v@seller.example', 'not shared'])
    await steps(30, 1_000)
    expect([paul, pia].map(stateAt)).toEqual(['signed', 'signed'])
  })

  it('by both at once, and one after the other, only grows; the next version begins with none', async () => {
    const { vera, paul, connection, settle, atRelay, ofVera } = await story()
    await Promise.all([vera.agreements.withdraw(connection, 'Lead', ['Status']), paul.agreements.withdraw(connection, 'Lead', ['Email'])])
    await settle()
    await vera.agreements.withdraw(connection, 'Lead', ['AnnualRevenue'])
    await settle()
    for (const org of [vera, paul]) expect(org.agreements.get(connection)?.withdrawn).toHaveLength(3)
    for (const each of sides) expect(atRelay(each)).toEqual([])
    await expect(vera.agreements.withdraw(connection, 'Lead', ['Status'])).rejects.toMatchObject({ code: 'INVALID' })
    // Offered once more, it is not taken by a click: Paul chooses it.
    const { fields } = vera.records.schema('Lead')
    const offered = ['LastName', 'Company', 'Status'].flatMap((name) => fields.find((field) => field.name === name) ?? [])
    await vera.agreements.propose(connection, { objects: { Lead: { fields: offered.map((field) => ({ field, update: true })) } } })
    await settle()
    expect(paul.agreements.suggest(connection, 'Lead').map(({ source }) => source)).toEqual(['LastName', 'Company'])
    const chosen = paul.agreements.suggest(connection, 'Lead', [{ source: 'Status', target: 'Status', update: true }])
    await paul.agreements.accept(connection, { objects: { Lead: { fields: chosen } } })
    await settle()
    expect(vera.agreements.get(connection)).toMatchObject({ state: 'agreed', withdrawn: [] })
    expect(ofVera('Status')?.state).toBe('value')
  })

  it('is for an admin, and for fields that keep flowing', async () => {
    const { vera, connection, openAnotherDevice } = await story()
    const victor = await openAnotherDevice(vera, { userName: 'Victor', role: 'member' })
    await expect(victor.agreements.withdraw(connection, 'Lead', ['Status'])).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
    for (const fields of [['LastName'], ['Nothing'], [], ['Status', 'LastName']])
      await expect(vera.agreements.withdraw(connection, 'Lead', fields)).rejects.toMatchObject({ code: 'INVALID' })
    expect(vera.agreements.get(connection)?.withdrawn).toEqual([])
  })

  it('counts only as a decision of an admin of the other org', async () => {
    const { vera, paul, connection, settle, openAnotherDevice, ofVera } = await story()
    const victor = await openAnotherDevice(vera, { userName: 'Victor', role: 'member' })
    const jws = await victor.identity.signDecision('withdrawal', { connection, version: 1, slots: { Lead: ['0'] } })
    const { ownMessages } = requireConnection(vera.rows, connection)
    await vera.rows.save([{ object: 'Message', id: messageId(ownMessages, 'withdrawal'), values: { body: jws } }])
    await settle()
    expect(ofVera('Status')?.state).toBe('value')
    expect(paul.problems.join()).toContain('A withdrawal of Vista was refused')
  })
})
