import type { UseStore } from 'idb-keyval'
import { closeDatabase, type Entry, openDatabase, readEntries } from './idb-entries.js'
import { pack, type Packed } from './packed.js'
import type { Answer, Question, Scan } from './store-reader.js'

// The script of a worker that reads stores for a page: see StoreReader.

const databases = new Map<string, UseStore>()

addEventListener('message', ({ data }: MessageEvent<Question>) => {
  if ('close' in data) void close(data.close)
  else if ('id' in data) void scan(data)
})
answer({ ready: true })

async function scan({ id, store, prefix, options }: Scan): Promise<void> {
  let packed: Packed | undefined
  try {
    let use = databases.get(store)
    if (!use) databases.set(store, (use = openDatabase(store)))
    packed = pack(await use('readonly', (objectStore) => entriesOf(objectStore, prefix, options)))
  } catch {
    // The page reads it by itself, and meets what failed here.
  }
  answer({ id, packed }, packed && [packed.buffer])
}

const entriesOf = (objectStore: IDBObjectStore, prefix: Scan['prefix'], options: Scan['options']): Promise<readonly Entry[]> =>
  new Promise((resolve, reject) => {
    objectStore.transaction.onabort = () => reject(objectStore.transaction.error)
    readEntries(objectStore, prefix, options, resolve)
  })

async function close(name: string): Promise<void> {
  const use = databases.get(name)
  databases.delete(name)
  if (use) await closeDatabase(use)
}

function answer(said: Answer, transfer: Transferable[] = []): void {
  postMessage(said, { transfer })
}
