import { compareStamps, type Stamp } from '@entente/protocol'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ManualClock } from '../testing/clock.js'
import { seededRandom } from '../testing/random.js'
import { MemoryStore } from '../testing/store.js'
import { StoreError } from '../port/store.js'
import { mergeRows, type Register, type Row, valueOf } from './row.js'
import { Rows, whileUnchanged } from './rows.js'
import { Stamper } from './stamper.js'

const clock = new ManualClock()
const openRows = (store = new MemoryStore(), seed = 1): Rows => new Rows(store, new Stamper(clock, seededRandom(seed)))
const save = (rows: Rows, values: Record<string, string>) => rows.save([{ object: 'Lead', id: 'ada', values }])

describe('merging rows', () => {
  const stamp = fc.tuple(fc.nat(3), fc.nat(2), fc.nat(2))
  // One stamp is one edit: the same stamp always comes with the same value. Two admins may have signed it.
  const proof = fc.constantFrom(undefined, 'vera.1', 'victor.1')
  const register = fc.tuple(stamp, proof).map(([at, by]): Register => (by === undefined ? [at, at.join()] : [at, at.join(), by]))
  const row = fc
    .dictionary(fc.constantFrom('Name', 'Status', '__proto__', 'constructor'), register)
    .map((registers): Row => ({ object: 'Lead', id: 'ada', registers }))
  const plain = ({ registers }: Row) => Object.entries(registers).sort(([a], [b]) => (a < b ? -1 : 1))

  it('[MG1] takes the higher stamp field by field', () => {
    const older: Row = { object: 'Lead', id: 'ada', registers: { Name: [[1, 0, 1], 'Ada'], Status: [[5, 0, 1], 'Won'] } }
    const newer: Row = { object: 'Lead', id: 'ada', registers: { Name: [[2, 0, 1], 'Ada L.'], Status: [[4, 0, 1], 'Open'] } }
    expect(Object.fromEntries(Object.entries(mergeRows(older, newer).registers).map(([field, [, value]]) => [field, value]))).toEqual({
      Name: 'Ada L.',
      Status: 'Won',
    })
  })

  it('[MG2] does not mind order, grouping or repetition', () => {
    fc.assert(
      fc.property(row, row, row, (a, b, c) => {
        expect(plain(mergeRows(a, b))).toEqual(plain(mergeRows(b, a)))
        expect(plain(mergeRows(mergeRows(a, b), c))).toEqual(plain(mergeRows(a, mergeRows(b, c))))
        expect(mergeRows(a, a)).toBe(a)
      }),
    )
  })
})

describe('saving rows', () => {
  it('[ST2] stamps above what is stored, even where Vera’s other tab saved with a clock a year ahead', async () => {
    const store = new MemoryStore()
    const ahead: Stamp = [clock.now() + 365 * 86_400_000, 0, 9]
    await openRows(store).save([{ object: 'Lead', id: 'ada', values: { Name: 'from the future' }, stamp: ahead }])
    const here = openRows(store, 2)
    const [row] = await save(here, { Name: 'now' })
    expect(valueOf(row, 'Name')).toBe('now')
    expect(compareStamps(row?.registers['Name']?.[0] ?? [0, 0, 0], ahead)).toBeGreaterThan(0)
  })

  it('[ST4] takes an import’s stamp only where it is above the present one', async () => {
    const rows = openRows()
    await save(rows, { Name: 'Paul’s edit' })
    await rows.save([{ object: 'Lead', id: 'ada', values: { Name: 'package', Status: 'Open' }, stamp: [1, 0, 0] }])
    expect(valueOf(rows.get('Lead', 'ada'), 'Name')).toBe('Paul’s edit')
    expect(valueOf(rows.get('Lead', 'ada'), 'Status')).toBe('Open')
  })

  it('knows the rows afterwards for which it saved nothing, as another tab had stored them and did not live to tell', async () => {
    const store = new MemoryStore()
    const [mine, dying] = [openRows(store), openRows(store, 2)]
    mine.take(await save(dying, { Name: 'Ada' }), 'tab')
    await save(dying, { Name: 'Ada King' })
    const keep = () =>
      mine.save([{ object: 'Lead', id: 'ada', values: { Status: 'Won' } }], whileUnchanged(mine, [{ object: 'Lead', id: 'ada' }]))
    expect(await keep()).toBeUndefined()
    expect(valueOf(mine.get('Lead', 'ada'), 'Name')).toBe('Ada King')
    expect(await keep()).toHaveLength(1)
  })

  it('leaves a field alone that is set to what it holds', async () => {
    const rows = openRows()
    const [before] = await save(rows, { Name: 'Ada' })
    const told: unknown[] = []
    rows.watch((changes) => told.push(changes))
    const [after] = await save(rows, { Name: 'Ada' })
    expect(after?.registers).toEqual(before?.registers)
    expect(told).toEqual([])
  })

  it('changes nothing in memory where the device is full (row 51)', async () => {
    let full = false
    const store = new MemoryStore({
      beforeCommit: () => {
        if (full) throw new StoreError('QUOTA', 'No room.')
      },
    })
    const rows = openRows(store)
    await save(rows, { Name: 'Ada' })
    full = true
    await expect(save(rows, { Name: 'lost' })).rejects.toMatchObject({ code: 'QUOTA' })
    expect(valueOf(rows.get('Lead', 'ada'), 'Name')).toBe('Ada')
  })

  it('[ST5] refuses what could not travel, before anything is written', async () => {
    const rows = openRows()
    await expect(save(rows, { Name: 'x'.repeat(70_000) })).rejects.toMatchObject({ code: 'SIZE' })
    const many = Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`Text${index}`, 'ß'.repeat(15_000)]))
    await expect(save(rows, many)).rejects.toMatchObject({ code: 'SIZE' })
    expect(rows.get('Lead', 'ada')).toBeUndefined()
  })

  it('keeps `__proto__` and `constructor` as plain fields (row 46)', async () => {
    const store = new MemoryStore()
    const rows = openRows(store)
    await rows.save([
      {
        object: 'Lead',
        id: 'ada',
        values: Object.fromEntries([
          ['__proto__', 'a'],
          ['constructor', 'b'],
        ]),
      },
    ])
    const again = openRows(store)
    await again.load()
    expect(valueOf(again.get('Lead', 'ada'), '__proto__')).toBe('a')
    expect(valueOf(again.get('Lead', 'ada'), 'constructor')).toBe('b')
    expect(valueOf(again.get('Lead', 'ada'), 'toString')).toBeUndefined()
  })
})
