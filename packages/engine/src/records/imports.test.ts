import { describe, expect, it } from 'vitest'
import { lead, MemoryBrowser, setup } from '../testing/index.js'

const rows = Array.from({ length: 1_200 }, (_, index) => ({ values: lead(`Lead${index}`) }))

/** What a killed tab does: the engine hears no more of its page after the first slice. */
const killed = (): never => {
  throw new Error('The tab is killed here.')
}

describe('Vera imports a file', () => {
  it('whose rows are all on the device before the first is written', async () => {
    const { vera, finish, reload } = await setup()
    const id = await finish(vera.imports.start('Lead', 'leads.csv', rows))
    expect(vera.records.list('Lead').total).toBe(0)
    const again = await reload(vera)
    expect(again.imports.list()).toMatchObject([{ id, name: 'leads.csv', state: 'stopped', done: 0, total: 1_200, creates: 1_200 }])
    const seen: number[] = []
    const done = await finish(again.imports.run(id, (view) => seen.push(view.done)))
    expect(done).toMatchObject({ state: 'done', done: 1_200, undoable: true })
    expect(seen).toEqual(Array.from({ length: 12 }, (_none, index) => (index + 1) * 100))
    expect(again.records.list('Lead').total).toBe(1_200)
    expect(await again.store.scan(['import rows'])).toEqual([])
  })

  it('and a crash half-way leaves it stopped, to be continued exactly there', async () => {
    const { vera, finish, reload, clock } = await setup()
    const id = await finish(vera.imports.start('Lead', 'leads.csv', rows))
    await expect(finish(vera.imports.run(id, killed))).rejects.toMatchObject({ code: 'INTERNAL' })
    const again = await reload(vera)
    // A tab may be at it still; after some seconds nobody is.
    expect(again.imports.list()).toMatchObject([{ state: 'running', done: 100 }])
    clock.advance(5_000)
    expect(again.imports.list()).toMatchObject([{ state: 'stopped', done: 100, total: 1_200 }])
    await finish(again.imports.run(id))
    const names = again.records.list('Lead').records.map(({ values }) => values['LastName'])
    expect(names).toHaveLength(1_200)
    expect(new Set(names).size).toBe(1_200)
    // All of it is one step.
    expect(await finish(again.imports.undo(id))).toMatchObject({ removed: 1_200, left: [] })
    expect(again.records.list('Lead').total).toBe(0)
    expect(again.imports.list()).toMatchObject([{ state: 'undone', undoable: false }])
  })

  it('or to be undone from there, and what waits is dropped', async () => {
    const { vera, finish, reload } = await setup()
    const id = await finish(vera.imports.start('Lead', 'leads.csv', rows))
    await expect(finish(vera.imports.run(id, killed))).rejects.toMatchObject({ code: 'INTERNAL' })
    const again = await reload(vera)
    expect(await finish(again.imports.undo(id))).toMatchObject({ removed: 100, left: [] })
    expect(again.records.list('Lead').total).toBe(0)
    expect(await again.store.scan(['import rows'])).toEqual([])
    expect(await finish(again.imports.run(id))).toMatchObject({ state: 'undone' })
    expect(again.records.list('Lead').total).toBe(0)
  })

  it('that she stops herself', async () => {
    const { vera, finish } = await setup()
    const id = await finish(vera.imports.start('Lead', 'leads.csv', rows))
    const run = vera.imports.run(id, ({ done }) => {
      if (done === 100) void vera.imports.stop(id)
    })
    expect(await finish(run)).toMatchObject({ state: 'stopped', done: 100 })
    expect(vera.imports.list()).toMatchObject([{ state: 'stopped', done: 100 }])
    expect(await finish(vera.imports.run(id))).toMatchObject({ state: 'done' })
  })

  it('in two tabs at once, and no row is written twice', async () => {
    const browser = new MemoryBrowser()
    const { vera, open, finish } = await setup({ vera: { browser } })
    const other = await open({ browser, store: vera.store })
    const id = await finish(vera.imports.start('Lead', 'leads.csv', rows))
    const views = await finish(Promise.all([vera.imports.run(id), other.imports.run(id), vera.imports.run(id)]))
    expect(views.some(({ state }) => state === 'done')).toBe(true)
    for (const tab of [vera, other]) {
      expect(tab.imports.list()).toMatchObject([{ state: 'done' }])
      expect(tab.records.list('Lead').total).toBe(1_200)
    }
    expect(await finish(other.imports.undo(id))).toMatchObject({ removed: 1_200 })
  })

  it('that updates what is there, but not what somebody deleted since', async () => {
    const { vera, finish } = await setup()
    const [ada, bob] = [await vera.records.create('Lead', lead('Ada')), await vera.records.create('Lead', lead('Bob'))]
    const list = [ada, bob].map((record) => ({ id: record, values: { Company: 'Apex' } }))
    const id = await finish(vera.imports.start('Lead', 'leads.csv', [...list, { values: lead('Cleo') }]))
    await vera.records.remove('Lead', bob)
    expect(await finish(vera.imports.run(id))).toMatchObject({ state: 'done', total: 3, creates: 1, skipped: 1 })
    expect(vera.records.get('Lead', ada)?.values['Company']).toBe('Apex')
    expect(vera.records.get('Lead', bob)).toBeUndefined()
    await vera.records.edit('Lead', ada, { Phone: '1' })
    expect(await finish(vera.imports.undo(id))).toMatchObject({ records: 2, removed: 1, fields: ['Company'], left: [] })
    expect(vera.records.get('Lead', ada)?.values).toMatchObject({ Company: 'Acme', Phone: '1' })
  })

  it('with a bad row, and nothing is kept', async () => {
    const { vera, finish } = await setup()
    const bad = vera.imports.start('Lead', 'leads.csv', [...rows.slice(0, 600), { values: { LastName: 'x' } }])
    await expect(finish(bad)).rejects.toMatchObject({ code: 'INVALID', message: expect.stringContaining('Row 601') })
    await expect(vera.imports.start('Lead', 'leads.csv', [])).rejects.toMatchObject({ code: 'INVALID' })
    expect(vera.imports.list()).toEqual([])
    expect(await vera.store.scan(['import rows'])).toEqual([])
  })
})

it('what a crash left of an import that was not kept whole is swept', async () => {
  const { vera, finish, reload, clock } = await setup()
  const id = await finish(vera.imports.start('Lead', 'leads.csv', rows))
  await vera.store.update([['import', id]], ([stored]) => ({
    writes: [{ put: ['import', id], value: { ...(stored as object), state: 'keeping', movedAt: clock.now() } }],
    result: undefined,
  }))
  const again = await reload(vera)
  expect(again.imports.list()).toEqual([])
  clock.advance(5_000)
  const next = await finish(again.imports.start('Lead', 'more.csv', rows.slice(0, 1)))
  expect(again.imports.list().map((view) => view.id)).toEqual([next])
  expect(await again.store.scan(['import rows'])).toHaveLength(1)
})

it('a history of fifty imports', async () => {
  const { vera, finish, clock } = await setup()
  for (let count = 0; count < 52; count++) {
    clock.advance(1_000)
    const id = await finish(vera.imports.start('Lead', `leads-${count}.csv`, rows.slice(count, count + 1)))
    await finish(vera.imports.run(id))
  }
  const list = vera.imports.list()
  expect(list.map(({ name }) => name)).toEqual(Array.from({ length: 51 }, (_none, index) => `leads-${51 - index}.csv`))
  expect(list.filter(({ undoable }) => undoable)).toHaveLength(20)
  const last = list.at(-1)
  await expect(vera.imports.undo(last?.id ?? '')).rejects.toMatchObject({ code: 'NOT_FOUND' })
  await expect(vera.imports.run('nobody')).rejects.toMatchObject({ code: 'NOT_FOUND' })
})
