import { describe, expect, it } from 'vitest'
import { historyBound } from './history-log.js'
import { lead, MemoryBrowser, type MemoryOrg, setup } from '../testing/index.js'

/** The changes of a record in short, the newest first. */
async function told(org: MemoryOrg, record: string): Promise<readonly (readonly unknown[])[]> {
  return (await org.history.of('Lead', record)).map(({ field, from, to, personName, own }) => [field, from, to, personName, own])
}

const stored = async (org: MemoryOrg): Promise<number> => (await org.store.scan(['history'])).length

describe('the history of a record', () => {
  it('says who changed which field from what to what, in the transaction of the change', async () => {
    const { vera, reload } = await setup()
    const id = await vera.records.create('Lead', lead('Ada'))
    expect(await vera.history.of('Lead', id)).toEqual([])
    await vera.records.edit('Lead', id, { Company: 'Apollo', Phone: '1' })
    await vera.records.edit('Lead', id, { Company: 'Apex' })
    // The same value again is no change.
    await vera.records.edit('Lead', id, { Company: 'Apex' })
    const changes = await vera.history.of('Lead', id)
    expect(changes.map(({ field, from, to, present }) => [field, from, to, present])).toEqual([
      ['Company', 'Apollo', 'Apex', true],
      ['Company', 'Acme', 'Apollo', false],
      ['Phone', '+49 30 1234567', '1', true],
    ])
    expect(changes[0]).toMatchObject({ person: vera.user.id, personName: 'Vera', device: vera.identity.device, own: true })
    expect(changes[0]?.at).toBe(vera.records.get('Lead', id)?.changedAt)
    // A transaction that is not stored leaves nothing.
    vera.store.hold()
    const lost = vera.records.edit('Lead', id, { Company: 'Lost' }).catch(() => undefined)
    const again = await reload(vera)
    await lost
    expect(await told(again, id)).toEqual(changes.map(({ field, from, to }) => [field, from, to, 'Vera', true]))
  })

  it('is the same at the org’s other device, which says who it was there', async () => {
    const { vera, settle, openAnotherDevice } = await setup()
    const id = await vera.records.create('Lead', lead('Ada'))
    await settle()
    const desk = await openAnotherDevice(vera, { userName: 'Victor', role: 'member' })
    await settle()
    await vera.rows.save([{ object: 'User', id: 'victor', values: { name: 'Victor', role: 'member' } }])
    await vera.records.edit('Lead', id, { Company: 'Apollo' })
    await settle()
    await desk.records.edit('Lead', id, { Company: 'Apex', Phone: '1' })
    await settle()
    await vera.devices.rename(desk.identity.device, 'Desk')
    await settle()
    const lines = (byVera: boolean): unknown[] => [
      ['Company', 'Apollo', 'Apex', 'Victor', !byVera],
      ['Phone', '+49 30 1234567', '1', 'Victor', !byVera],
      ['Company', 'Acme', 'Apollo', 'Vera', byVera],
    ]
    // The devices' clocks differ by what their welcomes took, so two fields of one edit may stand apart.
    expect(await told(vera, id)).toEqual(expect.arrayContaining(lines(true)))
    expect(await told(desk, id)).toEqual(expect.arrayContaining(lines(false)))
    const apex = (await vera.history.of('Lead', id)).find(({ to }) => to === 'Apex')
    expect(apex).toMatchObject({ device: desk.identity.device, deviceName: 'Desk' })
    // Both at once: each ends with both changes, and the one that stands is marked.
    for (const org of [vera, desk]) org.sync.cut()
    await vera.records.edit('Lead', id, { City: 'Oslo' })
    await desk.records.edit('Lead', id, { Street: 'Main' })
    for (const org of [vera, desk]) org.sync.mend()
    await settle()
    for (const org of [vera, desk])
      expect((await org.history.of('Lead', id)).flatMap(({ field, present }) => (present ? [field] : [])).toSorted()).toEqual([
        'City',
        'Company',
        'Phone',
        'Street',
      ])
  })

  it('holds imports, values of the other org that were filled in, and undos', async () => {
    const { vera, finish } = await setup()
    const id = await vera.records.create('Lead', lead('Ada'))
    const run = await finish(vera.imports.start('Lead', 'leads.csv', [{ id, values: { Company: 'Apollo' } }]))
    await finish(vera.imports.run(run))
    await finish(vera.imports.undo(run))
    expect(await told(vera, id)).toEqual([
      ['Company', 'Apollo', 'Acme', 'Vera', true],
      ['Company', 'Acme', 'Apollo', 'Vera', true],
    ])
  })

  it('puts a change back, which undo takes back again, and not unasked where the field was changed since', async () => {
    const { vera } = await setup()
    const id = await vera.records.create('Lead', lead('Ada'))
    await vera.records.edit('Lead', id, { Company: 'Apollo' })
    await vera.records.edit('Lead', id, { Company: 'Apex' })
    const [last, first] = await vera.history.of('Lead', id)
    const company = (): unknown => vera.records.get('Lead', id)?.values['Company']
    await expect(vera.history.putBack('Lead', id, first?.id ?? '')).rejects.toMatchObject({ code: 'CHANGED' })
    await vera.history.putBack('Lead', id, last?.id ?? '')
    expect(company()).toBe('Apollo')
    await vera.undo.run(vera.undo.last('Lead', id)?.id ?? '')
    expect(company()).toBe('Apex')
    await vera.history.putBack('Lead', id, first?.id ?? '', true)
    expect(company()).toBe('Acme')
    expect((await told(vera, id))[0]).toEqual(['Company', 'Apex', 'Acme', 'Vera', true])
    await expect(vera.history.putBack('Lead', id, 'none')).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  it('keeps the last fifty changes of each field', async () => {
    const { vera } = await setup()
    const id = await vera.records.create('Lead', lead('Ada'))
    await vera.records.edit('Lead', id, { Phone: '1' })
    for (let count = 0; count < 205; count++) await vera.records.edit('Lead', id, { Company: `Company ${count}` })
    // What nobody reads is bounded too.
    expect(await stored(vera)).toBeLessThan(2 * historyBound)
    const changes = await vera.history.of('Lead', id)
    expect(changes.filter(({ field }) => field === 'Company').map(({ to }) => to)).toEqual(
      Array.from({ length: historyBound }, (_, index) => `Company ${204 - index}`),
    )
    expect(changes.at(-1)).toMatchObject({ field: 'Phone', to: '1' })
    expect(await stored(vera)).toBe(historyBound + 1)
  })

  it('goes when the record is deleted, at every device, also by a recall', async () => {
    const { vera, settle, openAnotherDevice } = await setup()
    const id = await vera.records.create('Lead', lead('Ada'))
    await settle()
    const desk = await openAnotherDevice(vera)
    await settle()
    await vera.records.edit('Lead', id, { Company: 'Secret' })
    await settle()
    expect(await Promise.all([vera, desk].map(stored))).toEqual([1, 1])
    await vera.records.remove('Lead', id)
    await settle()
    expect(await Promise.all([vera, desk].map(stored))).toEqual([0, 0])
    await expect(vera.history.of('Lead', id)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    // It comes back without what it was.
    await vera.undo.run(vera.undo.last('Lead', id)?.id ?? '')
    expect(await vera.history.of('Lead', id)).toEqual([])
  })

  it('is read by nobody before somebody asks, and stays on the org’s devices', async () => {
    const { vera, paul, copy, record, settle, reload } = await setup({ upTo: 'exported' })
    await vera.records.edit('Lead', record, { Status: 'Working - Contacted', Phone: '7' })
    await settle()
    // The partner's copy is its own record: what flows is in a mirror beside it, and not in its history.
    expect(await paul.history.of('Lead', copy)).toEqual([])
    expect(await stored(vera)).toBe(1)
    const again = await reload(vera)
    const read: unknown[] = []
    again.rows.watch((changes) => void read.push(...changes))
    expect((await again.history.of('Lead', record)).length).toBe(2)
    expect(read).toEqual([])
    expect([...again.rows.objects()]).not.toContain('history')
  })

  it('of a device whose row says nonsense names nobody', async () => {
    const browser = new MemoryBrowser()
    const { vera, settle, openAnotherDevice } = await setup({ vera: { browser } })
    const id = await vera.records.create('Lead', lead('Ada'))
    await settle()
    const desk = await openAnotherDevice(vera)
    await settle()
    await desk.records.edit('Lead', id, { Company: 'Apollo' })
    await settle()
    for (const sessions of ['x', 7, null, [[1]], [['1', 2]], { a: 1 }, [null]]) {
      await vera.rows.save([{ object: 'Device', id: desk.identity.device, values: { sessions } }])
      expect((await vera.history.of('Lead', id))[0]).toMatchObject({
        person: undefined,
        personName: undefined,
        device: undefined,
        own: false,
      })
    }
  })
})
