import 'fake-indexeddb/auto'
import type { StoreError } from '@entente/engine'
import { storePromises } from '@entente/engine/testing'
import { createStore, set } from 'idb-keyval'
import { describe, expect, it } from 'vitest'
import { openIdbStore } from './idb-store.js'

let count = 0
const freshName = (): string => `test-${++count}`

describe('the store in IndexedDB', () => {
  it.each(storePromises)('$name', async ({ run }) => {
    const name = freshName()
    await run(await openIdbStore(name), () => openIdbStore(name))
  })

  it('leaves a store alone that a newer version wrote, and says to reload (row 48)', async () => {
    const name = freshName()
    const bare = createStore(`entente-${name}`, 'org')
    await set(['meta', 'version'], 99, bare)
    await expect(openIdbStore(name)).rejects.toMatchObject({ name: 'StoreError', code: 'NEWER' } satisfies Partial<StoreError>)
  })
})
