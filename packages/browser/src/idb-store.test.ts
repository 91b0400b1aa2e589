import 'fake-indexeddb/auto'
import { storePromises } from '@entente/engine/testing'
import { describe, it } from 'vitest'
import { openIdbStore } from './idb-store.js'

let count = 0
const freshName = (): string => `test-${++count}`

describe('the store in IndexedDB', () => {
  it.each(storePromises)('$name', async ({ run }) => {
    const name = freshName()
    await run(await openIdbStore(name), () => openIdbStore(name))
  })
})
