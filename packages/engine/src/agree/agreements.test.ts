import { policyKey } from '@entente/protocol'
import { describe, expect, it } from 'vitest'
import { leadFields, setup, updateFields } from '../testing/index.js'
import type { Field } from '../schema/field.js'
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
    expect(vera.problems.join()).toContain('another version of the proposal')
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
