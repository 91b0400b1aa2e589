import { storePromises } from '@entente/engine/testing'
import { describe, expect, it } from 'vitest'
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
})
