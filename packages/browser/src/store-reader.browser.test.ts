import type { Store } from '@entente/engine'
import { storePromises } from '@entente/engine/testing'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { openIdbStore } from './idb-store.js'
import { StoreReader } from './store-reader.js'

let count = 0
const freshName = (): string => `read-${Date.now()}-${++count}`
const start = (script: string): Worker => new Worker(new URL(script, import.meta.url), { type: 'module' })
const worker = start('store-worker.ts')
const reader = new StoreReader(worker)
beforeAll(() => new Promise((resolve) => worker.addEventListener('message', resolve, { once: true })))
afterAll(() => worker.terminate())

const keys = ['ada', 'ben', 'eve'].map((id) => ['row', 'Lead', id] as const)
const fill = (store: Store): Promise<void> =>
  store.update([], () => ({ writes: keys.map((put) => ({ put, value: { id: put[2], state: new Uint8Array([1]) } })), result: undefined }))
const filled = keys.map((key) => [key, { id: key[2], state: new Uint8Array([1]) }])

afterEach(() => void vi.restoreAllMocks())

describe('a store that a worker reads', () => {
  it.each(storePromises)('$name', async ({ run }) => {
    const name = freshName()
    await run(await openIdbStore(name, reader), () => openIdbStore(name, reader))
  })

  it('asks nothing of the database for a scan but by the worker', async () => {
    const store = await openIdbStore(freshName(), reader)
    await fill(store)
    const asked = vi.spyOn(IDBObjectStore.prototype, 'getAll')
    expect(await store.scan(['row'])).toEqual(filled)
    expect(await store.scan(['row'], { after: ['row', 'Lead', 'ada'], limit: 1 })).toEqual(filled.slice(1, 2))
    expect(asked).not.toHaveBeenCalled()
  })

  it('reads by itself what the worker cannot hand over', async () => {
    const store = await openIdbStore(freshName(), reader)
    const { publicKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify'])
    await store.update([], () => ({ writes: [{ put: ['meta', 'device'], value: publicKey }], result: undefined }))
    expect(await store.scan(['meta'])).toEqual([[['meta', 'device'], publicKey]])
  })

  it('reads by itself until the worker is at work, and where it fails to start or ends', async () => {
    const [silent, ended] = [start('no-such-script.ts'), start('store-worker.ts')]
    const endedReader = new StoreReader(ended)
    await new Promise((resolve) => ended.addEventListener('message', resolve, { once: true }))
    for (const each of [new StoreReader(silent), endedReader]) {
      const store = await openIdbStore(freshName(), each)
      await fill(store)
      const read = store.scan(['row'])
      ended.dispatchEvent(new ErrorEvent('error'))
      expect(await read).toEqual(filled)
      expect(await store.scan(['row'])).toEqual(filled)
    }
  })

  it('lets go of the database when it is closed', async () => {
    const name = freshName()
    const store = await openIdbStore(name, reader)
    await fill(store)
    await store.scan(['row'])
    await store.close()
    await new Promise<void>((resolve, reject) => {
      const deletion = indexedDB.deleteDatabase(`entente-${name}`)
      deletion.onsuccess = () => resolve()
      deletion.onerror = () => reject(deletion.error)
    })
  })
})
