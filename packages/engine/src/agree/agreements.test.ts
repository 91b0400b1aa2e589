import { type ConnectionId, policyKey } from '@entente/protocol'
import { describe, expect, it } from 'vitest'
import { valueOf } from '../row/row.js'
import { isValueMap } from '../schema/value.js'
import { leadFields, type MemoryOrg, setup, updateFields } from '../testing/index.js'
import type { Field } from '../schema/field.js'
import { toBase64UrlEncoded } from 'lib0/buffer'
import { proposalHash } from './open-proposals.js'
import { messageId, requireConnection } from '../connect/connection-facts.js'
import { textOf } from '../replica/feed-role.js'

const proposalOf = (fields: readonly Field[], update: (field: Field) => boolean = () => false) => ({
  objects: { Lead: { fields: fields.map((field) => ({ field, update: update(field) })) } },
})

describe('an agreement', () => {
  it('[AG3] goes from proposal to acceptance, and both sides compute the same hash', async () => {
    const { vera, paul, connection, settle } = await setup({ upTo: 'verified' })
    expect(vera.agreements.get(connection)).toMatchObject({ state: 'none', turn: 'vendor' })
    const schema = vera.records.schema('Lead')
    await vera.agreements.propose(
      connection,
      proposalOf(
        schema.fields.filter(({ name }) => leadFields.some((known) => known === name)),
        ({ name }) => updateFields.includes(name),
      ),
    )
    await settle()
    expect(paul.agreements.get(connection)).toMatchObject({
      state: 'proposed',
      turn: 'partner',
      proposal: { version: 1, by: vera.user.id },
    })
    await paul.agreements.accept(connection, { objects: { Lead: { fields: paul.agreements.suggest(connection, 'Lead') } } })
    await settle()
    const [own, peer] = [vera.agreements.get(connection), paul.agreements.get(connection)]
    expect(own).toMatchObject({ state: 'agreed', turn: undefined, acceptance: { by: paul.user.id } })
    expect(own?.effective).toEqual(peer?.effective)
    expect(own?.peerHash).toBe(own?.effective?.hash)
    expect(peer?.peerHash).toBe(peer?.effective?.hash)
    expect(own?.effective?.objects.Lead?.fields.map(({ vendor, slot }) => [vendor.name, slot]).filter(([, slot]) => slot)).toEqual([
      ['Email', '0'],
      ['Status', '1'],
      ['AnnualRevenue', '2'],
    ])
  })

  it('keeps the old terms until a new version is accepted', async () => {
    const { vera, paul, connection, settle } = await setup({ upTo: 'agreed' })
    await vera.agreements.propose(
      connection,
      proposalOf(vera.records.schema('Lead').fields.filter(({ name }) => ['LastName', 'Company', 'Status'].includes(name))),
    )
    await settle()
    expect(vera.agreements.get(connection)).toMatchObject({ state: 'proposed', turn: 'partner', effective: { version: 1 } })
    await paul.agreements.accept(connection, { objects: { Lead: { fields: paul.agreements.suggest(connection, 'Lead') } } })
    await settle()
    expect(vera.agreements.get(connection)).toMatchObject({ state: 'agreed', effective: { version: 2 } })
  })

  it('forgets nothing that Paul refused: a second proposal suggests what is in force, and nothing that he declined or that is new', async () => {
    const { vera, paul, connection, settle } = await setup({ upTo: 'verified' })
    const offer = async (names: readonly string[], update: (field: Field) => boolean): Promise<void> => {
      const { fields } = vera.records.schema('Lead')
      await vera.agreements.propose(
        connection,
        proposalOf(
          fields.filter(({ name }) => names.includes(name)),
          update,
        ),
      )
      await settle()
    }
    await offer(['LastName', 'Company', 'Status', 'Email', 'Phone'], ({ name }) => name === 'Status' || name === 'Email')
    const first = paul.agreements.suggest(connection, 'Lead').filter(({ source }) => source !== 'Phone')
    const own = first.map((line) => (line.source === 'Email' ? { ...line, update: false } : line))
    await paul.agreements.accept(connection, { objects: { Lead: { fields: own } } })
    await settle()
    for (const org of [vera, paul]) expect(org.agreements.get(connection)?.declined).toEqual({ Lead: ['Phone'], Opportunity: [] })

    await offer(['LastName', 'Company', 'Status', 'Email', 'Phone', 'Website'], () => true)
    const again = paul.agreements.suggest(connection, 'Lead')
    expect(Object.fromEntries(again.map(({ source, update }) => [source, update]))).toEqual({
      LastName: false,
      Company: false,
      Status: true,
      Email: false,
    })
    const chosen = [{ source: 'Website', target: 'Website', update: true }]
    expect(paul.agreements.suggest(connection, 'Lead', chosen)).toEqual([...again, ...chosen])
    await paul.agreements.accept(connection, { objects: { Lead: { fields: paul.agreements.suggest(connection, 'Lead', chosen) } } })
    await settle()

    // Every version stays on both sides, as it was signed.
    for (const org of [vera, paul]) {
      const history = org.agreements.history(connection)
      expect(history.map(({ agreement }) => agreement.version)).toEqual([2, 1])
      expect(history[0]?.agreement).toEqual(org.agreements.get(connection)?.effective)
      for (const { proposal, acceptance } of history) {
        expect([proposal.by, acceptance.by]).toEqual([vera.user.id, paul.user.id])
        expect(proposal.jws.split('.')).toHaveLength(3)
        expect(acceptance.jws.split('.')).toHaveLength(3)
      }
    }
    const signed = ({ agreements }: MemoryOrg) =>
      agreements.history(connection).map(({ agreement, proposal, acceptance }) => [agreement.hash, proposal.jws, acceptance.jws])
    expect(signed(vera)).toEqual(signed(paul))
  })

  it('is accepted for leads while opportunities are declined, whatever their own required fields', async () => {
    const { vera, paul, connection, settle } = await setup({ upTo: 'verified' })
    const fieldsOf = (object: 'Lead' | 'Opportunity', names: readonly string[]) =>
      vera.records
        .schema(object)
        .fields.filter(({ name }) => names.includes(name))
        .map((field) => ({ field, update: false }))
    await vera.agreements.propose(connection, {
      objects: {
        Lead: { fields: fieldsOf('Lead', ['LastName', 'Company', 'Status']) },
        Opportunity: { fields: fieldsOf('Opportunity', ['Name']) },
      },
    })
    await settle()
    const lead = { fields: paul.agreements.suggest(connection, 'Lead') }
    await paul.agreements.accept(connection, { objects: { Lead: lead, Opportunity: { fields: [] } } })
    await settle()
    expect(Object.keys(vera.agreements.get(connection)?.effective?.objects ?? {})).toEqual(['Lead'])
    expect(vera.agreements.get(connection)).toMatchObject({ state: 'agreed', declined: { Lead: [], Opportunity: ['Name'] } })
  })

  it('is registered at the relay with the slots of both sides', async () => {
    const { vera, paul, connection } = await setup({ upTo: 'agreed' })
    for (const org of [vera, paul]) {
      const { ownMessages } = requireConnection(org.rows, connection)
      const controlEntry = org.rows.get('ControlEntry', messageId(ownMessages, policyKey))
      expect(JSON.parse(textOf(controlEntry, 'body') ?? '')).toEqual({ version: 1, slots: { lead: ['0', '1', '2'], opportunity: [] } })
    }
  })

  it('[AG2] refuses an eleventh update field (row 58)', async () => {
    const { vera, connection } = await setup({ upTo: 'verified' })
    const fields = vera.records.schema('Lead').fields.slice(0, 12)
    await expect(
      vera.agreements.propose(
        connection,
        proposalOf(fields, () => true),
      ),
    ).rejects.toMatchObject({ code: 'TOO_MANY' })
    await vera.agreements.propose(
      connection,
      proposalOf(fields, (field) => fields.indexOf(field) < 10),
    )
    expect(vera.agreements.get(connection)?.proposal?.version).toBe(1)
  })

  it('refuses a proposal by a device that is not an admin’s (row 41)', async () => {
    const { vera, paul, connection, settle, openAnotherDevice } = await setup({ upTo: 'verified' })
    const victor = await openAnotherDevice(vera, { userName: 'Victor', role: 'member' })
    await expect(victor.agreements.propose(connection, proposalOf([]))).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
    const jws = await victor.identity.signDecision('proposal', { connection, version: 1, objects: { Lead: { fields: [] } } })
    const { ownMessages } = requireConnection(vera.rows, connection)
    await vera.rows.save([{ object: 'Message', id: messageId(ownMessages, 'proposal'), values: { body: jws } }])
    await settle()
    expect(paul.agreements.get(connection)?.state).toBe('none')
    expect(paul.problems.join()).toContain('A proposal of Vista was refused')
  })

  it('refuses an eleventh update field that a changed vendor signed all the same (row 58)', async () => {
    const { vera, paul, connection, settle } = await setup({ upTo: 'verified' })
    const fields = vera.records
      .schema('Lead')
      .fields.slice(0, 11)
      .map((field) => ({ field, update: true }))
    const jws = await vera.identity.signDecision('proposal', { connection, version: 1, objects: { Lead: { fields } } })
    const { ownMessages } = requireConnection(vera.rows, connection)
    await vera.rows.save([{ object: 'Message', id: messageId(ownMessages, 'proposal'), values: { body: jws } }])
    await settle()
    expect(paul.agreements.get(connection)?.state).toBe('none')
    expect(paul.problems.join()).toContain('11 update fields')
  })

  it('[AG1] refuses an acceptance of an older version and leaves the present proposal standing (row 43)', async () => {
    const { vera, paul, connection, settle } = await setup({ upTo: 'agreed' })
    const old = [...paul.rows.list('Message').values()].find(({ id }) => id.endsWith('#acceptance'))
    await vera.agreements.propose(
      connection,
      proposalOf(vera.records.schema('Lead').fields.filter(({ name }) => ['LastName', 'Company', 'Status'].includes(name))),
    )
    const jws = await paul.identity.signDecision('acceptance', { connection, version: 1, proposal: 'old', objects: {} })
    await paul.rows.save([{ object: 'Message', id: old?.id ?? '', values: { body: jws } }])
    await settle()
    expect(vera.problems.join()).toContain('its version, or a later one, was agreed already')
    expect(vera.agreements.get(connection)?.effective?.version).toBe(1)
    expect(paul.agreements.get(connection)?.proposal?.version).toBe(2)
  })

  it('[AG3] blocks the connection where both sides computed different hashes', async () => {
    const { vera, paul, connection, settle } = await setup({ upTo: 'agreed' })
    const { ownMessages } = requireConnection(paul.rows, connection)
    await paul.rows.save([{ object: 'Message', id: messageId(ownMessages, 'agreed'), values: { body: { version: 1, hash: 'other' } } }])
    await settle()
    expect(vera.rows.get('Connection', connection)?.registers['state']?.[1]).toBe('Error')
  })

  it('is not accepted while a required own field has no source (row 56)', async () => {
    const { vera, paul, connection, settle } = await setup({ upTo: 'verified' })
    await vera.agreements.propose(
      connection,
      proposalOf(vera.records.schema('Lead').fields.filter(({ name }) => ['LastName', 'Email'].includes(name))),
    )
    await settle()
    const fields = paul.agreements.suggest(connection, 'Lead')
    expect(
      paul.agreements
        .preflight(connection, 'Lead', fields)
        .filter(({ verdict }) => verdict === 'blocked')
        .map(({ target }) => target),
    ).toEqual(['Company', 'Status'])
    await expect(paul.agreements.accept(connection, { objects: { Lead: { fields } } })).rejects.toMatchObject({
      code: 'INVALID',
      details: [{ field: 'Company' }],
    })
    await paul.agreements.accept(connection, {
      objects: { Lead: { fields, defaults: { Company: 'Unknown', Status: 'Open - Not Contacted' } } },
    })
    expect(paul.agreements.get(connection)?.state).toBe('agreed')
  })

  it('tries the mapping on the records that the vendor lists', async () => {
    const { vera, paul, connection, agree } = await setup({ upTo: 'shared' })
    await vera.records.create('Lead', { LastName: 'Ada', Company: 'Acme', Status: 'Open - Not Contacted' })
    await agree()
    const line = paul.agreements
      .preflight(connection, 'Lead', paul.agreements.suggest(connection, 'Lead'))
      .find(({ source }) => source === 'LastName')
    expect(line).toMatchObject({ verdict: 'same', samples: [{ before: 'Ada', after: 'Ada' }] })
  })
})

describe('an agreement that both sides change at once', () => {
  const three = ['LastName', 'Company', 'Status']
  const offer = (vera: MemoryOrg, ...more: readonly string[]) =>
    proposalOf(
      vera.records.schema('Lead').fields.filter(({ name }) => [...three, ...more].includes(name)),
      ({ name }) => name === 'Status',
    )
  const accept = (paul: MemoryOrg, connection: ConnectionId) =>
    paul.agreements.accept(connection, { objects: { Lead: { fields: paul.agreements.suggest(connection, 'Lead') } } })
  const versions = (connection: ConnectionId, ...orgs: readonly MemoryOrg[]) =>
    orgs.map((org) => {
      const { proposal, effective, state, turn } = org.agreements.get(connection) ?? {}
      return [proposal?.version, effective?.version, effective?.hash, state, turn]
    })

  it('[AG1] Paul accepts what Vera has just replaced: his acceptance stands, updates flow, and her new proposal waits (row 95)', async () => {
    const { vera, paul, connection, record, copy, settle } = await setup({ upTo: 'exported' })
    await vera.agreements.propose(connection, offer(vera))
    await settle()
    // Neither has heard of the other's.
    await vera.agreements.propose(connection, offer(vera, 'Email'))
    await accept(paul, connection)
    await settle()
    const [own, peer] = versions(connection, vera, paul)
    expect(own).toEqual(peer)
    expect(own).toEqual([3, 2, own?.[2], 'proposed', 'partner'])
    expect([vera.problems, paul.problems]).toEqual([[], []])
    await paul.records.edit('Lead', copy, { Status: 'Working - Contacted' })
    await settle()
    const status = vera.mirrors.of('Lead', record)[0]?.fields.find(({ name }) => name === 'Status')
    expect(status?.value).toBe('Working - Contacted')
    await accept(paul, connection)
    await settle()
    for (const each of versions(connection, vera, paul)) expect(each.slice(0, 2)).toEqual([3, 3])
  })

  it('[AG3] Paul accepts otherwise at a device that was offline: the connection stops, and both orgs say why (row 95)', async () => {
    const { vera, paul, connection, settle, pass, openAnotherDevice } = await setup({ upTo: 'verified' })
    const phone = await openAnotherDevice(paul)
    await vera.agreements.propose(connection, offer(vera))
    await settle()
    phone.sync.cut()
    await accept(paul, connection)
    await settle(vera, paul)
    // Later than the first by the clocks of both devices, which may differ by what a welcome took.
    await pass(50)
    const lines = phone.agreements.suggest(connection, 'Lead').map((line) => ({ ...line, update: false }))
    await phone.agreements.accept(connection, { objects: { Lead: { fields: lines } } })
    phone.sync.mend()
    await settle()
    const shown = [vera, paul, phone].map((org) => org.connections.get(connection))
    expect(shown.map((view) => view?.state)).toEqual(['Error', 'Error', 'Error'])
    for (const view of shown) expect(view?.problem).toContain('different agreements')
  })

  it('[AG1] the hash of a proposal is that of its JSON, whatever the order of its parts', async () => {
    const field = { type: 'text', name: 'LastName', length: 80, label: 'Last Name' } as const
    const text =
      '{"objects":{"Lead":{"fields":[{"field":{"label":"Last Name","length":80,"name":"LastName","type":"text"},"update":true}]}},"version":3}'
    const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))
    expect(proposalHash({ version: 3, objects: { Lead: { fields: [{ update: true, field }] } } })).toBe(toBase64UrlEncoded(hash))
  })

  it('[AG1] Paul accepts the proposal that he has read, or none', async () => {
    const { vera, paul, connection, settle } = await setup({ upTo: 'verified' })
    await vera.agreements.propose(connection, offer(vera))
    await settle()
    const read = { version: 1, objects: { Lead: { fields: paul.agreements.suggest(connection, 'Lead') } } }
    await vera.agreements.propose(connection, offer(vera, 'Email'))
    await settle()
    await expect(paul.agreements.accept(connection, read)).rejects.toMatchObject({ code: 'CHANGED' })
    expect(paul.agreements.get(connection)?.effective).toBeUndefined()
    await paul.agreements.accept(connection, { ...read, version: 2 })
    expect(paul.agreements.get(connection)?.effective?.version).toBe(2)
  })

  it('[AG1] keeps a proposal that may be accepted until a version that is not below it is agreed', async () => {
    const { vera, paul, connection, settle } = await setup({ upTo: 'verified' })
    const open = () => [...vera.rows.list('Proposal').values()].filter((row) => isValueMap(valueOf(row, 'proposal'))).length
    for (const more of [[], ['Email'], ['Email', 'Phone']]) await vera.agreements.propose(connection, offer(vera, ...more))
    expect(open()).toBe(3)
    await settle()
    await accept(paul, connection)
    await settle()
    expect(open()).toBe(0)
  })

  it('[AG1] Vera proposes at two devices at once: both follow the one that the partner reads, and it can be accepted', async () => {
    const { vera, paul, connection, settle, openAnotherDevice } = await setup({ upTo: 'agreed' })
    const desk = await openAnotherDevice(vera)
    await settle()
    await Promise.all([vera.agreements.propose(connection, offer(vera)), desk.agreements.propose(connection, offer(desk, 'Email'))])
    await settle()
    const objects = [vera, desk, paul].map((org) => org.agreements.get(connection)?.proposal?.objects.Lead?.fields.length)
    expect(new Set(objects).size).toBe(1)
    expect(versions(connection, vera, desk, paul).map(([proposal, effective]) => [proposal, effective])).toEqual([
      [2, 1],
      [2, 1],
      [2, 1],
    ])
    await accept(paul, connection)
    await settle()
    const [own, also, peer] = versions(connection, vera, desk, paul)
    expect([own, also]).toEqual([peer, peer])
    expect(own?.slice(0, 2)).toEqual([2, 2])
    expect([vera.problems, desk.problems, paul.problems]).toEqual([[], [], []])
  })

  it('[AG1] Paul accepts what Vera’s other device has just proposed under the same version: his acceptance stands', async () => {
    const { vera, paul, connection, settle, openAnotherDevice } = await setup({ upTo: 'agreed' })
    const desk = await openAnotherDevice(vera)
    await settle()
    desk.sync.cut()
    await vera.agreements.propose(connection, offer(vera))
    await desk.agreements.propose(connection, offer(desk, 'Email'))
    await settle(vera, paul)
    await accept(paul, connection)
    desk.sync.mend()
    await settle()
    const [own, also, peer] = versions(connection, vera, desk, paul)
    expect([own?.slice(1), also?.slice(1)]).toEqual([peer?.slice(1), peer?.slice(1)])
    expect(peer?.[1]).toBe(2)
    expect(peer?.[3]).toBe('agreed')
  })
})
