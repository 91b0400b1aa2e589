import { sides } from '@entente/protocol'
import { describe, expect, it } from 'vitest'
import { messageEdit, requireConnection } from '../connect/connection-facts.js'
import { lead, setup } from '../testing/index.js'
import { objectsKey } from './objects.js'

describe('an object that one side switches off', () => {
  it.each(sides)('[OB1, OB2] by the %s: its shares end with a reason, and go on once it is on again', async (side) => {
    const { vera, paul, connection, record, copy, settle, exportListed } = await setup({ upTo: 'exported' })
    await paul.records.edit('Lead', copy, { Email: 'paul@buyer.example' })
    await vera.records.create('Lead', lead('Grace'))
    await settle()
    const [own, other] = side === 'vendor' ? [vera, paul] : [paul, vera]
    await own.agreements.switchObject(connection, 'Lead', false)
    await settle()
    for (const org of [own, other]) {
      const by = org === own ? 'own' : 'peer'
      expect(org.agreements.get(connection)?.off).toEqual([{ object: 'Lead', by, at: expect.any(Number) }])
    }
    expect(paul.site.listings(connection, 'Lead').total).toBe(0)
    expect(paul.site.obstacle(connection, 'Lead')?.message).toContain('switched off')
    expect(paul.site.obstacle(connection, 'Opportunity')).toBeUndefined()
    await expect(exportListed()).rejects.toThrow()

    // What both had stays as it stood, and each goes on with its own.
    await vera.records.edit('Lead', record, { Status: 'Working - Contacted' })
    await paul.records.edit('Lead', copy, { Email: 'later@buyer.example' })
    await settle()
    const ofVera = () => paul.mirrors.of('Lead', copy)[0]?.fields.find(({ name }) => name === 'Status')?.value
    const ofPaul = () => vera.mirrors.of('Lead', record)[0]?.fields.find(({ name }) => name === 'Email')?.value
    expect([ofVera(), ofPaul()]).toEqual(['Open - Not Contacted', 'paul@buyer.example'])
    for (const org of [vera, paul]) {
      expect(org.sync.status().waiting).toBe(0)
      const why = { what: 'switchedOff', by: org === own ? 'own' : 'peer', at: expect.any(Number) }
      const id = org === vera ? record : copy
      expect(org.records.shares('Lead', id)).toMatchObject([{ state: 'ended', why }])
      expect(org.mirrors.of('Lead', id)).toMatchObject([{ state: 'frozen', why }])
    }

    await own.agreements.switchObject(connection, 'Lead', true)
    await settle()
    expect([ofVera(), ofPaul()]).toEqual(['Working - Contacted', 'later@buyer.example'])
    for (const org of [own, other]) expect(org.agreements.get(connection)?.off).toEqual([])
    expect(paul.site.listings(connection, 'Lead').total).toBe(2)
    await exportListed()
    await settle()
    expect(paul.records.list('Lead').total).toBe(2)
    expect([vera.problems, paul.problems]).toEqual([[], []])
  })

  it('[OB1] by both sides flows once both have switched it on', async () => {
    const { vera, paul, connection, record, copy, settle } = await setup({ upTo: 'exported' })
    await Promise.all([vera, paul].map((org) => org.agreements.switchObject(connection, 'Lead', false)))
    await settle()
    await vera.records.edit('Lead', record, { Status: 'Working - Contacted' })
    await vera.agreements.switchObject(connection, 'Lead', true)
    await settle()
    const status = () => paul.mirrors.of('Lead', copy)[0]?.fields.find(({ name }) => name === 'Status')?.value
    expect(vera.agreements.get(connection)?.off.map(({ by }) => by)).toEqual(['peer'])
    expect(status()).toBe('Open - Not Contacted')
    await paul.agreements.switchObject(connection, 'Lead', true)
    await settle()
    expect(status()).toBe('Working - Contacted')
  })

  it('[OB2] while an export is on its way is not exported, and the job says why', async () => {
    const { vera, paul, connection, exportListed, settle } = await setup({ upTo: 'shared' })
    await vera.records.create('Lead', lead('Ada'))
    await settle()
    paul.sync.cut()
    const job = await exportListed()
    await vera.agreements.switchObject(connection, 'Lead', false)
    await settle()
    paul.sync.mend()
    await settle()
    const view = paul.site.jobs().find(({ id }) => id === job)
    expect(view).toMatchObject({ imported: 0, failed: 1 })
    expect(JSON.stringify(paul.site.errors(job))).toContain('switched off')
    expect(paul.records.list('Lead').total).toBe(0)
  })

  it('is an admin’s decision, at the peer, too', async () => {
    const { vera, paul, connection, settle, openAnotherDevice } = await setup({ upTo: 'exported' })
    const victor = await openAnotherDevice(vera, { userName: 'Victor', role: 'member' })
    await expect(victor.agreements.switchObject(connection, 'Lead', false)).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
    const jws = await victor.identity.signDecision('objects', { connection, off: ['Lead'] })
    // An admin's device would say at once again what holds.
    await settle()
    vera.sync.cut()
    await victor.rows.save([messageEdit(requireConnection(vera.rows, connection).ownMessages, objectsKey, jws)])
    await settle()
    expect(paul.agreements.get(connection)?.off).toEqual([])
    expect(paul.problems.join()).toContain('A switch of objects of Vista was refused')
  })
})
