import { describe, expect, it } from 'vitest'
import type { StoreKey } from '../port/store.js'
import { ManualClock } from '../testing/clock.js'
import { seededRandom } from '../testing/random.js'
import { MemoryStore } from '../testing/store.js'
import { valueOf } from './row.js'
import type { Written } from './row-store.js'
import { Rows, whileUnchanged } from './rows.js'
import { rowKey, storedRow } from './stored-row.js'
import { Stamper } from './stamper.js'

/** Tabs over one store. Each notes what rows its transactions read, and hands out what it is to tell. */
async function tabs(count: number) {
  const store = new MemoryStore()
  const clock = new ManualClock()
  return Promise.all(
    Array.from({ length: count }, async (_, seed) => {
      const read: string[][] = []
      const told: { rows: Parameters<Rows['take']>[0]; written: Written | undefined }[] = []
      const noting = {
        get: (keys: readonly StoreKey[]) => store.get(keys),
        scan: (...args: Parameters<MemoryStore['scan']>) => store.scan(...args),
        close: () => store.close(),
        update: ((reads, change) => {
          read.push(reads.flatMap(([kind, , id]) => (kind === 'row' && id !== undefined ? [id] : [])))
          return store.update(reads, change)
        }) as MemoryStore['update'],
      }
      const observer = {
        flagDirty: () => ({ writes: [], commit: () => undefined }),
        saved: (rows: Parameters<Rows['take']>[0], written: Written | undefined) => void told.push({ rows, written }),
      }
      const rows = new Rows(noting, new Stamper(clock, seededRandom(seed + 1)), observer)
      await rows.load()
      return {
        read,
        told,
        edit: (id: string, name: string) => rows.save([{ object: 'Lead', id, values: { Name: name } }]),
        name: (id: string) => valueOf(rows.get('Lead', id), 'Name'),
        hear: ({ rows: heard, written }: (typeof told)[number]) => {
          rows.take(heard, 'tab')
          rows.stored.heard(heard, written)
        },
        catchUp: () => rows.catchUp(),
      }
    }),
  )
}

describe('rows before they are written', () => {
  it('are not read by a tab that knows all that is stored', async () => {
    const [tab] = await tabs(1)
    for (const name of ['one', 'two', 'three']) await tab?.edit('ada', name)
    expect(tab?.read).toEqual([[], [], []])
    expect(tab?.name('ada')).toBe('three')
  })

  it('are read where another tab has written what this one has not heard', async () => {
    const [one, two] = await tabs(2)
    if (!one || !two) throw new Error('no tabs')
    await one.edit('ada', 'theirs')
    await two.edit('ada', 'own')
    // The first time, it finds out in the transaction; then it knows that it is behind.
    await two.edit('ben', 'own')
    expect(two.read).toEqual([[], ['ada'], ['ben']])
    await one.catchUp()
    expect([one.name('ada'), two.name('ada')]).toEqual(['own', 'own'])
  })

  it('are not read any more once the tab has heard, in whatever order', async () => {
    const [one, two] = await tabs(2)
    if (!one || !two) throw new Error('no tabs')
    await one.edit('ada', 'first')
    await one.edit('ada', 'second')
    await two.edit('ben', 'own')
    for (const message of one.told.toReversed()) two.hear(message)
    await two.edit('ada', 'third')
    expect(two.read).toEqual([[], ['ben'], []])
    expect(two.name('ada')).toBe('third')
    for (const message of two.told) one.hear(message)
    await one.edit('ada', 'fourth')
    expect(one.read.at(-1)).toEqual([])
    expect([one.name('ada'), one.name('ben')]).toEqual(['fourth', 'own'])
  })

  it('are not read either after a tab has read all that it missed', async () => {
    const [one, two] = await tabs(2)
    if (!one || !two) throw new Error('no tabs')
    await one.edit('ada', 'first')
    await two.edit('ben', 'own')
    await two.catchUp()
    expect(two.name('ada')).toBe('first')
    await two.edit('ada', 'second')
    expect(two.read.at(-1)).toEqual([])
  })
})

describe('many rows of record maps', () => {
  const maps = Array.from({ length: 120 }, (_, index) => `map-${index + 100}`)
  const edits = (ids: readonly string[], name: string) => ids.map((id) => ({ object: 'RecordMap', id, values: { record: name } }))
  const recordOf = (rows: Rows, id: string) => valueOf(rows.get('RecordMap', id), 'record')

  /** A page over a store, and how many entries the store has of segments and of rows of their own. */
  async function page(store: MemoryStore, seed: number) {
    const told: { rows: Parameters<Rows['take']>[0]; written: Written | undefined }[] = []
    const rows = new Rows(store, new Stamper(new ManualClock(), seededRandom(seed)), {
      flagDirty: () => ({ writes: [], commit: () => undefined }),
      saved: (changed, written) => void told.push({ rows: changed, written }),
    })
    await rows.load()
    return { rows, told }
  }
  const entries = async (store: MemoryStore) => [(await store.scan(['rows'])).length, (await store.scan(['row'])).length]

  it('are an entry for a hundred, also when they are written again; few that are get entries of their own', async () => {
    const store = new MemoryStore()
    const { rows } = await page(store, 1)
    await rows.save(edits(maps, 'first'))
    expect(await entries(store)).toEqual([2, 0])
    await rows.save(edits(maps.slice(0, 50), 'second'))
    expect(await entries(store)).toEqual([2, 0])
    await rows.save(edits(maps.slice(0, 3), 'third'))
    expect(await entries(store)).toEqual([2, 3])
    await rows.save(edits(maps.slice(0, 20), 'fourth'))
    expect(await entries(store)).toEqual([2, 3])
    const again = (await page(store, 2)).rows
    expect(maps.map((id) => recordOf(again, id))).toEqual(maps.map((id) => recordOf(rows, id)))
    expect([recordOf(again, 'map-100'), recordOf(again, 'map-130'), recordOf(again, 'map-150')]).toEqual(['fourth', 'second', 'first'])
    // The next page knows where they lie, and goes on so.
    await again.save(edits(maps.slice(0, 50), 'fifth'))
    expect((await entries(store))[0]).toBe(2)
  })

  it('lose nothing to a tab that writes others of their segment, whether it has heard of them or not', async () => {
    const store = new MemoryStore()
    const one = await page(store, 1)
    await one.rows.save(edits(maps, 'first'))
    const two = await page(store, 2)
    // Heard: the segment is one that both write.
    await two.rows.save(edits(maps.slice(0, 30), 'of two'))
    for (const { rows, written } of two.told.splice(0)) {
      one.rows.take(rows, 'tab')
      one.rows.stored.heard(rows, written)
    }
    await one.rows.save(edits(maps.slice(30, 60), 'of one'))
    // Not heard: each goes on by what it knows.
    await two.rows.save(edits(maps.slice(60, 80), 'of two, later'))
    await one.rows.save(edits(maps.slice(80, 95), 'of one, later'))
    const found = (await page(store, 3)).rows
    const at = (index: number) => recordOf(found, maps[index] ?? '')
    expect([0, 29, 30, 59, 60, 79, 80, 94, 95, 119].map(at)).toEqual([
      'of two',
      'of two',
      'of one',
      'of one',
      'of two, later',
      'of two, later',
      'of one, later',
      'of one, later',
      'first',
      'first',
    ])
  })
  it('are found in their segment by a tab that has not heard of the last change', async () => {
    const store = new MemoryStore()
    const one = await page(store, 1)
    const two = await page(store, 2)
    await one.rows.save(edits(maps, 'first'))
    for (const { rows, written } of one.told) {
      two.rows.take(rows, 'tab')
      two.rows.stored.heard(rows, written)
    }
    const basis = whileUnchanged(two.rows, [{ object: 'RecordMap', id: maps[0] ?? '' }])
    await one.rows.save(edits(maps.slice(0, 20), 'second'))
    expect(await two.rows.save(edits(maps.slice(0, 1), 'of two'), basis)).toBeUndefined()
    expect(recordOf(two.rows, maps[0] ?? '')).toBe('second')
  })

  it('stay whole where a tab that has not heard of their segment writes one of them, however often pages open and write them', async () => {
    const store = new MemoryStore()
    const [one, two] = [await page(store, 1), await page(store, 2)]
    await one.rows.save(edits(maps, 'first'))
    await two.rows.save([{ object: 'RecordMap', id: maps[3] ?? '', values: { state: 'exported' } }])
    const fourth = (rows: Rows) => {
      const row = rows.get('RecordMap', maps[3] ?? '')
      return [valueOf(row, 'record'), valueOf(row, 'state')]
    }
    const third = await page(store, 3)
    expect(fourth(third.rows)).toEqual(['first', 'exported'])
    await third.rows.save(edits(maps.slice(10, 40), 'second'))
    expect(fourth((await page(store, 4)).rows)).toEqual(['first', 'exported'])
    await third.rows.save([{ object: 'RecordMap', id: maps[3] ?? '', values: { state: 'imported' } }])
    await third.rows.save(edits(maps.slice(10, 40), 'third'))
    expect(fourth((await page(store, 5)).rows)).toEqual(['first', 'imported'])
  })

  it('stay beside what a tab stored of the same ones that this tab has not heard of', async () => {
    const store = new MemoryStore()
    const [one, two] = [await page(store, 1), await page(store, 2)]
    await one.rows.save(edits(maps, 'first'))
    await two.rows.save(maps.map((id) => ({ object: 'RecordMap', id, values: { state: 'exported' } })))
    const { rows } = await page(store, 3)
    const of = (field: string) => new Set(maps.map((id) => valueOf(rows.get('RecordMap', id), field)))
    expect([of('record'), of('state')]).toEqual([new Set(['first']), new Set(['exported'])])
  })

  it('are whole in their entries where they have some, whoever wrote those', async () => {
    const store = new MemoryStore()
    const one = await page(store, 1)
    await one.rows.save(edits(maps, 'first'))
    const two = await page(store, 2)
    await two.rows.save(edits(maps.slice(0, 3), 'of two'))
    for (const { rows, written } of two.told) {
      one.rows.take(rows, 'tab')
      one.rows.stored.heard(rows, written)
    }
    await one.rows.save(edits(maps.slice(0, 20), 'of one'))
    const [entry] = await store.get([rowKey('RecordMap', maps[0] ?? '')])
    expect(valueOf(storedRow(entry), 'record')).toBe('of one')
  })
})
