import type { StoreLocation } from '../store/store.js'
import { type Print, toStdout, withStore } from './with-store.js'

/**
 * Prints how much a store holds.
 *
 * @param json prints `StoreStats` as JSON
 * @returns the exit code, 0
 * @throws Error when there is no store, or it cannot be read
 */
export async function runStats(location: StoreLocation, json: boolean, print: Print = toStdout): Promise<number> {
  const stats = await withStore(location, (store) => store.stats())
  if (json) {
    print(JSON.stringify(stats))
    return 0
  }
  const lines = [
    ['bytes on disk', stats.diskBytes],
    ['orgs', stats.orgs],
    ['feeds', stats.feeds],
    ['records and messages', stats.docs],
    ['tombstones', stats.tombstones],
    ['updates not yet merged', stats.tailUpdates],
    ['invitations', stats.invitations],
    ['incarnations', stats.incarnations],
  ] as const
  for (const [name, count] of lines) print(`${name.padEnd(24)}${String(count).padStart(16)}`)
  return 0
}
