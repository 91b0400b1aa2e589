import { describe, expect, it } from 'vitest'
import { EngineError } from '../error.js'
import { Drafts } from '../device/drafts.js'
import { UndoLog } from '../device/undo-log.js'
import { ManualClock, MemoryBrowser, MemoryStore, seededRandom } from '../testing/index.js'
import { Rows, Stamper } from '../row/index.js'
import { createRecords, type Shares } from './records.js'
import { createSchemas } from './schemas.js'

const noShares: Shares = { of: () => [], over: () => [], stop: () => Promise.resolve(), resume: () => Promise.resolve() }

async function openRecords(store = new MemoryStore()) {
  const clock = new ManualClock()
  const random = seededRandom(7)
  const rows = new Rows(store, new Stamper(clock, random))
  await rows.load()
  const schemas = createSchemas(rows)
  const undoLog = await UndoLog.open(store, new MemoryBrowser().open(), clock, 1)
  return {
    records: createRecords(
      { rows, random, clock, undoLog, drafts: await Drafts.open(store, new MemoryBrowser().open(), clock, rows) },
      schemas,
      noShares,
    ),
    rows,
    store,
    clock,
  }
}

const deal = { Name: 'Rollout', StageName: 'Prospecting', CloseDate: '2027-03-01' }

describe('the records of Vera’s org', () => {
  it('keep what she saved when the tab is opened again', async () => {
    const { records, store } = await openRecords()
    const id = await records.create('Opportunity', deal)
    await records.edit('Opportunity', id, { NextStep: 'Call on Monday' })
    const again = await openRecords(store.loseTail(0))
    expect(again.records.get('Opportunity', id)?.values).toEqual({ ...deal, NextStep: 'Call on Monday' })
  })

  it('name every wrong field at once, and save nothing', async () => {
    const { records } = await openRecords()
    const wrong = records.create('Opportunity', { Name: 'Rollout', CloseDate: '2027-02-31', StageName: 'Prospecting', Amount: '1e999' })
    await expect(wrong).rejects.toMatchObject({ code: 'INVALID', details: [{ field: 'CloseDate' }, { field: 'Amount' }] })
    expect(records.list('Opportunity').total).toBe(0)
  })

  it('do not show what was deleted, and cannot be edited any more', async () => {
    const { records } = await openRecords()
    const id = await records.create('Opportunity', deal)
    await records.remove('Opportunity', id)
    expect(records.get('Opportunity', id)).toBeUndefined()
    expect(records.list('Opportunity')).toEqual({ records: [], total: 0 })
    await expect(records.edit('Opportunity', id, { Name: 'Back' })).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  it('are filtered and sorted, and a field that is not there is refused', async () => {
    const { records } = await openRecords()
    for (const name of ['Beta', 'Alpha', 'Gamma']) await records.create('Opportunity', { ...deal, Name: name })
    const sorted = records.list('Opportunity', { sort: [{ field: 'Name', direction: 'ascending' }] })
    expect(sorted.records.map((record) => record.values['Name'])).toEqual(['Alpha', 'Beta', 'Gamma'])
    expect(records.list('Opportunity', { search: 'gam' }).records).toHaveLength(1)
    expect(() => records.list('Opportunity', { sort: [{ field: 'Nope', direction: 'ascending' }] })).toThrow(EngineError)
  })

  it('are listed by their ids alone in the same order, whatever is asked for', async () => {
    const { records } = await openRecords()
    const ids: string[] = []
    for (const name of ['Beta', 'Alpha', 'Gamma']) ids.push(await records.create('Opportunity', { ...deal, Name: name }))
    await records.remove('Opportunity', ids[0] ?? '')
    for (const query of [{}, { search: 'gam' }, { sort: [{ field: 'Name', direction: 'descending' as const }] }, { conditions: [] }]) {
      const { records: listed, total } = records.list('Opportunity', query)
      expect(records.ids('Opportunity', query)).toEqual({ ids: listed.map(({ id }) => id), total })
    }
    expect(() => records.ids('Opportunity', { sort: [{ field: 'Nope', direction: 'ascending' }] })).toThrow(EngineError)
  })

  it('are created by the thousand in slices, with progress', async () => {
    const { records, clock } = await openRecords()
    const progress: number[] = []
    const done = records.createMany(
      'Opportunity',
      Array.from({ length: 1_200 }, (_, index) => ({ ...deal, Name: `Deal ${index}` })),
      (count) => progress.push(count),
    )
    while (progress.at(-1) !== 1_200) {
      await Promise.resolve()
      clock.advance(0)
    }
    clock.advance(0)
    expect(new Set(await done).size).toBe(1_200)
    expect(progress).toEqual([500, 1_000, 1_200])
  })

  it.each([
    ['a field that is not there', { ...deal, Nope: 1 }, 'FIELD'],
    ['a register of the engine', { ...deal, _importedBy: 'map' }, 'FIELD'],
    ['a value nested nine deep', { ...deal, NextStep: [[[[[[[[['x']]]]]]]]] }, 'DEPTH'],
    ['a date that is none', { ...deal, CloseDate: 'yesterday' }, 'TYPE'],
    ['no stage', { Name: 'Deal', CloseDate: '2026-03-31' }, 'REQUIRED'],
  ])('are created all or not at all: with %s in row 501 of 1,000 nothing is (row 86)', async (_, bad, code) => {
    const { records, clock } = await openRecords()
    const rows: unknown[] = Array.from({ length: 1_000 }, (__, index) => ({ ...deal, Name: `Deal ${index}` }))
    rows[500] = bad
    const failure = records.createMany('Opportunity', rows as Record<string, unknown>[]).catch((error: unknown) => error)
    for (let turns = 0; turns < 20; turns++) {
      await Promise.resolve()
      clock.advance(0)
    }
    expect(await failure).toMatchObject({
      code: 'INVALID',
      details: [expect.objectContaining({ code, message: expect.stringMatching(/^Row 501: /) as unknown })],
    })
    expect(records.list('Opportunity').total).toBe(0)
  })
})

describe('the schema of Vera’s org', () => {
  it('takes a custom field, and refuses its name a second time', async () => {
    const { records } = await openRecords()
    const field = { name: 'Margin__c', label: 'Margin', type: 'percent', precision: 5, scale: 2 } as const
    await records.addField('Opportunity', field)
    expect(records.schema('Opportunity').fields.at(-1)).toMatchObject(field)
    await expect(records.addField('Opportunity', field)).rejects.toMatchObject({ code: 'INVALID' })
  })

  it('takes over labels and picklists of standard fields', async () => {
    const { records } = await openRecords()
    const schema = records.schema('Opportunity')
    const phases = [{ value: 'won', label: 'Won' }]
    const fields = schema.fields.map((field) => (field.name === 'StageName' ? { ...field, label: 'Phase', picklist: phases } : field))
    await records.setSchema({ ...schema, label: 'Deal', plural: 'Deals', fields })
    expect(records.schema('Opportunity')).toMatchObject({ label: 'Deal', plural: 'Deals' })
    expect(records.schema('Opportunity').fields.find((field) => field.name === 'StageName')).toMatchObject({
      label: 'Phase',
      picklist: phases,
    })
    await expect(records.create('Opportunity', deal)).rejects.toMatchObject({
      code: 'INVALID',
      details: [{ field: 'StageName', code: 'PICKLIST' }],
    })
  })
})
