import { describe, expect, it } from 'vitest'
import { Rows, Stamper } from '../row/index.js'
import { lead, ManualClock, MemoryStore, MemoryBrowser, seededRandom, setup } from '../testing/index.js'
import { undoBounds, UndoLog } from '../device/undo-log.js'

describe('what Vera did', () => {
  it('is undone field by field, as far as nobody changed it since', async () => {
    const { vera } = await setup()
    const id = await vera.records.create('Lead', lead('Ada'))
    await vera.records.edit('Lead', id, { LastName: 'Adams', Company: 'Apex', Phone: '' })
    const step = vera.undo.last('Lead', id)
    expect(step).toMatchObject({ kind: 'save', object: 'Lead', record: id, records: 1 })
    // Another device's edit comes in meanwhile: no step of this one.
    await vera.rows.save([{ object: 'Lead', id, values: { Company: 'Apex Inc' } }])
    const result = await vera.undo.run(step?.id ?? '')
    expect(result).toMatchObject({ records: 1, removed: 0, fields: ['LastName', 'Phone'] })
    expect(result.left).toEqual([{ object: 'Lead', record: id, field: 'Company', why: 'changed' }])
    expect(vera.records.get('Lead', id)?.values).toMatchObject({ LastName: 'Ada', Company: 'Apex Inc', Phone: '+49 30 1234567' })
    expect(vera.undo.last('Lead', id)).toBeUndefined()
    await expect(vera.undo.run(step?.id ?? '')).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  it('has one step for each record, the last one', async () => {
    const { vera } = await setup()
    const id = await vera.records.create('Lead', lead('Ada'))
    await vera.records.edit('Lead', id, { Company: 'One' })
    await vera.records.edit('Lead', id, { Company: 'Two' })
    await vera.records.edit('Lead', id, { Company: 'Two' })
    expect(vera.undo.list()).toHaveLength(1)
    await vera.undo.run(vera.undo.last('Lead', id)?.id ?? '')
    expect(vera.records.get('Lead', id)?.values['Company']).toBe('One')
  })

  it('survives the tab, and is the same in another one', async () => {
    const { vera, reload } = await setup()
    const id = await vera.records.create('Lead', lead('Ada'))
    await vera.records.edit('Lead', id, { Company: 'Apex' })
    const again = await reload(vera)
    expect(again.undo.list()).toEqual([expect.objectContaining({ kind: 'save', record: id })])
    await again.undo.run(again.undo.list()[0]?.id ?? '')
    expect(again.records.get('Lead', id)?.values['Company']).toBe('Acme')
    const third = await reload(again)
    expect(third.undo.list()).toEqual([])
  })

  it('is a made record, which goes unless somebody changed it', async () => {
    const { vera } = await setup()
    const [ada, bob] = [await vera.records.create('Lead', lead('Ada')), await vera.records.create('Lead', lead('Bob'))]
    const [made, kept] = [vera.undo.last('Lead', ada), vera.undo.last('Lead', bob)]
    await vera.rows.save([{ object: 'Lead', id: bob, values: { Company: 'Apex' } }])
    expect(await vera.undo.run(made?.id ?? '')).toMatchObject({ records: 1, removed: 1, left: [] })
    expect(await vera.undo.run(kept?.id ?? '')).toMatchObject({
      records: 0,
      removed: 0,
      left: [{ object: 'Lead', record: bob, field: '', why: 'changed' }],
    })
    expect(vera.records.list('Lead').records.map(({ id }) => id)).toEqual([bob])
  })

  it('is no step of a save that was refused', async () => {
    const { vera } = await setup()
    const id = await vera.records.create('Lead', lead('Ada'))
    await expect(vera.records.edit('Lead', id, { LastName: '' })).rejects.toMatchObject({ code: 'INVALID' })
    expect(vera.undo.last('Lead', id)?.kind).toBe('create')
  })

  it('is forgotten after a week and beyond 200 steps, and leaves no part behind', async () => {
    const [store, clock] = [new MemoryStore(), new ManualClock()]
    const rows = new Rows(store, new Stamper(clock, seededRandom(1)))
    const log = await UndoLog.open(store, new MemoryBrowser().open(), clock, 1)
    const make = (id: string) =>
      rows.save([{ object: 'Lead', id, values: { LastName: id } }], undefined, log.begin({ kind: 'create', object: 'Lead', record: id }))
    for (let count = 0; count <= undoBounds.steps; count++) await make(`lead-${count}`)
    expect(log.list()).toHaveLength(undoBounds.steps)
    expect(log.list().map(({ record }) => record)).not.toContain('lead-0')
    expect(await store.scan(['undo part'])).toHaveLength(undoBounds.steps)
    clock.advance(undoBounds.ms + 1)
    expect(log.list()).toEqual([])
    await make('last')
    for (const kind of ['undo', 'undo part']) expect(await store.scan([kind])).toHaveLength(1)
  })
})

describe('an import that Vera undoes', () => {
  const rows = Array.from({ length: 1_200 }, (_, index) => lead(`Lead${index}`))

  it('goes but for what was changed or exported, and lists the rest', async () => {
    const { vera, finish, exportListed, settle } = await setup({ upTo: 'shared' })
    const ids = await finish(
      vera.records.createMany('Lead', rows.slice(0, 3).concat(rows.slice(3, 700).map((row) => ({ ...row, Company: 'Other' })))),
    )
    await settle()
    await exportListed()
    await settle()
    await vera.records.edit('Lead', ids[5] ?? '', { Phone: '1' })
    await vera.records.remove('Lead', ids[6] ?? '')
    const [step] = vera.undo.list().filter(({ kind }) => kind === 'import')
    expect(step).toMatchObject({ object: 'Lead', records: 700 })
    const seen: number[] = []
    const result = await finish(vera.undo.run(step?.id ?? '', (done) => seen.push(done)))
    expect(result).toMatchObject({ records: 695, removed: 695 })
    expect(result.left.map(({ why }) => why).toSorted()).toEqual(['changed', 'exported', 'exported', 'exported'])
    expect(seen).toEqual([500, 700])
    expect(vera.records.list('Lead').total).toBe(4)
  })

  it('goes on where a crash stopped it', async () => {
    const { vera, finish, reload } = await setup()
    await finish(vera.records.createMany('Lead', rows))
    const [step] = vera.undo.list()
    // What the listener throws ends the work after the first slice.
    const stopped = finish(
      vera.undo.run(step?.id ?? '', () => {
        throw new Error('The tab is killed here.')
      }),
    )
    await expect(stopped).rejects.toMatchObject({ code: 'INTERNAL' })
    expect(vera.records.list('Lead').total).toBe(700)
    const again = await reload(vera)
    expect(again.undo.list()).toHaveLength(1)
    await finish(again.undo.run(step?.id ?? ''))
    expect(again.records.list('Lead').total).toBe(0)
    expect(again.undo.list()).toEqual([])
  })
})

describe('undoing a deletion', () => {
  it('brings the record back with its shares, and its mirror is live again', async () => {
    const { vera, paul, record, copy, settle } = await setup({ upTo: 'exported' })
    await vera.records.remove('Lead', record)
    await settle()
    expect(paul.mirrors.of('Lead', copy)[0]?.state).not.toBe('live')
    const result = await vera.undo.run(vera.undo.last('Lead', record)?.id ?? '')
    expect(result).toMatchObject({ records: 1, removed: 0, left: [] })
    await vera.records.edit('Lead', record, { Status: 'Working - Contacted' })
    await settle()
    expect(vera.records.shares('Lead', record)).toEqual([expect.objectContaining({ on: true, outbound: 'UpdateInProgress' })])
    const [mirror] = paul.mirrors.of('Lead', copy)
    expect(mirror?.state).toBe('live')
    expect(mirror?.fields.find(({ name }) => name === 'Status')?.value).toBe('Working - Contacted')
    // And once more, as the mirror's memory never goes back.
    await vera.records.remove('Lead', record)
    await settle()
    expect(paul.mirrors.of('Lead', copy)[0]?.state).not.toBe('live')
    await vera.undo.run(vera.undo.last('Lead', record)?.id ?? '')
    await settle()
    expect(paul.mirrors.of('Lead', copy)[0]?.state).toBe('live')
  })

  it('says over which connection the record is shared no longer', async () => {
    const { vera, connection, record, settle } = await setup({ upTo: 'exported' })
    await vera.records.remove('Lead', record)
    await settle()
    await vera.connections.disconnect(connection)
    await settle()
    const result = await vera.undo.run(vera.undo.last('Lead', record)?.id ?? '')
    expect(result).toMatchObject({ records: 1, left: [{ object: 'Lead', record, field: '', why: 'disconnected' }] })
    expect(vera.records.get('Lead', record)).toBeDefined()
  })
})

describe('undoing the end of sharing', () => {
  it('goes on sharing', async () => {
    const { vera, paul, record, copy, settle } = await setup({ upTo: 'exported' })
    await vera.records.stopSharing(vera.records.shares('Lead', record)[0]?.id ?? '')
    await settle()
    const step = vera.undo.last('Lead', record)
    expect(step?.kind).toBe('stop sharing')
    expect(await vera.undo.run(step?.id ?? '')).toMatchObject({ records: 1, left: [] })
    await settle()
    expect(vera.records.shares('Lead', record)[0]?.on).toBe(true)
    expect(paul.mirrors.of('Lead', copy)[0]?.state).toBe('live')
  })

  it('is offered no more once it was resumed by hand', async () => {
    const { vera, record, settle } = await setup({ upTo: 'exported' })
    const share = vera.records.shares('Lead', record)[0]?.id ?? ''
    await vera.records.stopSharing(share)
    await settle()
    await vera.records.resumeSharing(share)
    expect(vera.undo.list().filter(({ kind }) => kind === 'stop sharing')).toEqual([])
  })

  it('is refused where the connection has ended, and can be tried again', async () => {
    const { vera, connection, record, settle } = await setup({ upTo: 'exported' })
    await vera.records.stopSharing(vera.records.shares('Lead', record)[0]?.id ?? '')
    await vera.connections.disconnect(connection)
    await settle()
    const step = vera.undo.last('Lead', record)
    await expect(vera.undo.run(step?.id ?? '')).rejects.toMatchObject({ code: 'NOT_CONNECTED' })
    expect(vera.undo.last('Lead', record)).toEqual(step)
  })
})
