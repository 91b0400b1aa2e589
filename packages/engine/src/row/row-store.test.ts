import { describe, expect, it } from 'vitest'
import type { StoreKey } from '../port/store.js'
import { ManualClock } from '../testing/clock.js'
import { seededRandom } from '../testing/random.js'
import { MemoryStore } from '../testing/store.js'
import { valueOf } from './row.js'
import type { Written } from './row-store.js'
import { Rows } from './rows.js'
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
          rows.stored.took(written)
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
