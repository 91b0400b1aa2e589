import { type Change, type Store, StoreError, type StoreErrorCode, type StoreKey, type Write } from '@entente/engine'
import type { UseStore } from 'idb-keyval'
import { closeDatabase, type Entry, openDatabase, rangeOf, readEntries, type ScanOptions } from './idb-entries.js'
import type { StoreReader } from './store-reader.js'

/**
 * Opens an org's store in this browser profile: the IndexedDB database `entente-<name>` with one object store, through idb-keyval. One `update` is one
 * readwrite transaction.
 *
 * @param name tells the orgs of one browser profile apart
 * @param reader does the scans beside the page
 * @throws StoreError QUOTA or ABORTED if the browser refuses
 */
export async function openIdbStore(name: string, reader?: StoreReader): Promise<Store> {
  const store = new IdbStore(name, reader)
  // A browser that refuses says so now.
  await store.get([['meta', 'version']])
  return store
}

class IdbStore implements Store {
  readonly #name: string
  readonly #reader: StoreReader | undefined
  readonly #use: UseStore
  #closed = false

  constructor(name: string, reader: StoreReader | undefined) {
    this.#name = name
    this.#reader = reader
    this.#use = openDatabase(name)
  }

  update<T>(reads: readonly StoreKey[], change: (values: readonly unknown[]) => Change<T>): Promise<T> {
    return this.#transact('readwrite', (objectStore, done, fail) => {
      readAll(objectStore, reads, (values) => {
        try {
          const { writes, result } = change(values)
          for (const write of writes) apply(objectStore, write)
          // All is asked for: the database need not wait for an answer to each write before it commits.
          objectStore.transaction.commit()
          done(result)
        } catch (error) {
          fail(error)
        }
      })
    })
  }

  get(keys: readonly StoreKey[]): Promise<readonly unknown[]> {
    return this.#transact('readonly', (objectStore, done) => readAll(objectStore, keys, done))
  }

  async scan(prefix: StoreKey, options: ScanOptions = {}): Promise<readonly Entry[]> {
    const read = this.#closed ? undefined : await this.#reader?.scan(this.#name, prefix, options)
    if (read) return read
    return this.#transact('readonly', (objectStore, done) => readEntries(objectStore, prefix, options, done))
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#reader?.close(this.#name)
    await closeDatabase(this.#use)
    this.#closed = true
  }

  /** Runs one transaction and resolves with what it gave to `done`, once the transaction is complete. */
  async #transact<T>(
    mode: IDBTransactionMode,
    run: (objectStore: IDBObjectStore, done: (result: T) => void, fail: (error: unknown) => void) => void,
  ): Promise<T> {
    if (this.#closed) throw new StoreError('CLOSED', 'The store was closed. Open the org again.')
    try {
      return await this.#use(
        mode,
        (objectStore) =>
          new Promise<T>((resolve, reject) => {
            const { transaction } = objectStore
            let outcome: { readonly result: T } | undefined
            let thrown: unknown
            transaction.oncomplete = () => outcome && resolve(outcome.result)
            transaction.onabort = () => reject(thrown ?? transaction.error ?? new DOMException('aborted', 'AbortError'))
            const fail = (error: unknown): void => {
              thrown = error
              transaction.abort()
            }
            run(objectStore, (result) => (outcome = { result }), fail)
          }),
      )
    } catch (error) {
      throw toStoreError(error)
    }
  }
}

function readAll(objectStore: IDBObjectStore, keys: readonly StoreKey[], done: (values: readonly unknown[]) => void): void {
  if (keys.length === 0) {
    done([])
    return
  }
  const requests = keys.map((key): IDBRequest<Entry | undefined> => objectStore.get([...key]))
  const last = requests.at(-1)
  if (last) last.onsuccess = () => done(requests.map((request) => request.result?.[1]))
}

function apply(objectStore: IDBObjectStore, write: Write): void {
  if ('put' in write) objectStore.put([write.put, write.value] satisfies Entry, [...write.put])
  else if ('delete' in write) objectStore.delete([...write.delete])
  else objectStore.delete(rangeOf(write.deleteAll))
}

const codesByName: Readonly<Record<string, readonly [StoreErrorCode, string]>> = {
  QuotaExceededError: ['QUOTA', 'This device has no room left, so nothing was saved. Free some space and try again.'],
  VersionError: ['NEWER', 'This browser’s data was written by a newer version of the app. Reload the page.'],
  InvalidStateError: ['CLOSED', 'The store was closed. Open the org again.'],
}

/** Errors of the database as StoreError; others (thrown by the change itself) as they are. */
function toStoreError(error: unknown): unknown {
  if (!(error instanceof DOMException)) return error
  const [code, message] =
    codesByName[error.name] ?? (['ABORTED', 'The browser gave the transaction up, so nothing was saved. Try again.'] as const)
  return new StoreError(code, message, error)
}
