import { storePromises } from '@entente/engine/testing'
import { describe, expect, it, vi } from 'vitest'
import { openIdbStore } from './idb-store.js'

let count = 0
const freshName = (): string => `test-${Date.now()}-${++count}`

describe('the store in a real browser', () => {
  it.each(storePromises)('$name', async ({ run }) => {
    const name = freshName()
    await run(await openIdbStore(name), () => openIdbStore(name))
  })

  it('never interleaves the updates of two tabs', async () => {
    const name = freshName()
    const tabs = [await openIdbStore(name), await openIdbStore(name)]
    const increments = Array.from({ length: 40 }, (_, index) =>
      tabs[index % 2]?.update([['row', 'Lead', 'count']], ([value]) => ({
        writes: [{ put: ['row', 'Lead', 'count'], value: Number(value ?? 0) + 1 }],
        result: undefined,
      })),
    )
    await Promise.all(increments)
    expect(await tabs[0]?.get([['row', 'Lead', 'count']])).toEqual([40])
  })

  it('scans with one reading of values, of which the request keeps nothing', async () => {
    const store = await openIdbStore(freshName())
    const keys = ['ada', 'ben', 'eve'].map((id) => ['row', 'Lead', id] as const)
    await store.update([], () => ({ writes: keys.map((put) => ({ put, value: { id: put[2] } })), result: undefined }))
    const asked: IDBRequest<unknown>[] = []
    for (const way of ['get', 'getKey', 'getAll', 'getAllKeys', 'openCursor', 'openKeyCursor'] as const) {
      const ask = IDBObjectStore.prototype[way] as () => IDBRequest<unknown>
      vi.spyOn(IDBObjectStore.prototype, way).mockImplementation(function (this: IDBObjectStore, ...range: unknown[]) {
        const request = ask.apply(this, range as [])
        asked.push(request)
        return request as never
      })
    }
    expect(await store.scan(['row'])).toEqual(keys.map((key) => [key, { id: key[2] }]))
    vi.restoreAllMocks()
    expect(asked.map(({ result }) => result)).toEqual([[]])
    await store.close()
  })
})
