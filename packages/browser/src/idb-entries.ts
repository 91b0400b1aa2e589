import type { StoreKey } from '@entente/engine'
import { createStore, type UseStore } from 'idb-keyval'

/**
 * What the database holds under a key: the key once more, and the value. So a scan reads values alone, for half of the work: a browser reads, carries and frees each
 * key as it does a value.
 */
export type Entry = readonly [StoreKey, unknown]

export interface ScanOptions {
  readonly after?: StoreKey
  readonly limit?: number
}

/** The database `entente-<name>` of one org, which has one object store. */
export const openDatabase = (name: string): UseStore => createStore(`entente-${name}`, 'org')

/** Reads the entries of a scan and passes them to `take`. */
export function readEntries(
  objectStore: IDBObjectStore,
  prefix: StoreKey,
  { after, limit }: ScanOptions,
  take: (entries: readonly Entry[]) => void,
): void {
  const entries: IDBRequest<Entry[]> = objectStore.getAll(rangeOf(prefix, after), limit)
  // Taken out of the request, which would keep what is read until V8 next looks through all of its memory.
  entries.onsuccess = () => take(entries.result.splice(0))
}

/** All keys that begin with the prefix: in IndexedDB's order an array sorts above every text, so an empty one ends the range. */
export function rangeOf(prefix: StoreKey, after?: StoreKey): IDBKeyRange {
  return IDBKeyRange.bound(after ? [...after] : [...prefix], [...prefix, []], after !== undefined, true)
}

/** Closes the database once what was begun there is done. */
export const closeDatabase = (use: UseStore): Promise<void> => use('readonly', (objectStore) => objectStore.transaction.db.close())
