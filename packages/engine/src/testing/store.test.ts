import { describe, expect, it } from 'vitest'
import { StoreError } from '../port/store.js'
import { storePromises } from './store-contract.js'
import { MemoryStore } from './store.js'

describe('the store in memory', () => {
  it.each(storePromises)('$name', async ({ run }) => {
    const store = new MemoryStore()
    await run(store, () => Promise.resolve(store.reopen()))
  })

  it('loses its last transactions where the power goes', async () => {
    const store = new MemoryStore({ history: 3 })
    for (let value = 1; value <= 5; value++)
      await store.update([], () => ({ writes: [{ put: ['row', 'Lead', '1'], value }], result: undefined }))
    const found = store.loseTail(2)
    expect(await found.get([['row', 'Lead', '1']])).toEqual([3])
    await expect(store.get([['row', 'Lead', '1']])).rejects.toThrow(StoreError)
  })

  it('refuses a whole transaction where a fault says so', async () => {
    const store = new MemoryStore({
      beforeCommit: () => {
        throw new StoreError('QUOTA', 'No room.')
      },
    })
    await expect(store.update([], () => ({ writes: [{ put: ['row', 'Lead', '1'], value: 1 }], result: undefined }))).rejects.toThrow(
      'No room.',
    )
    expect(await store.get([['row', 'Lead', '1']])).toEqual([undefined])
  })
})
