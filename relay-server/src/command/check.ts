import type { StoreLocation } from '../store/store.js'
import { type Print, toStdout, withStore } from './with-store.js'

/**
 * Reads a whole store and prints its problems.
 *
 * @returns the exit code: 0 for a sound store, 1 for one that is not
 * @throws Error when there is no store, or it cannot be opened
 */
export async function runCheck(location: StoreLocation, print: Print = toStdout): Promise<number> {
  return withStore(location, async (store) => {
    const { feeds, docs, tombstones, tailUpdates } = await store.stats()
    const problems = await store.check()
    for (const problem of problems) print(problem)
    const read = `${docs} records and messages, ${tailUpdates} updates and ${tombstones} tombstones in ${feeds} feeds`
    print(problems.length === 0 ? `The store is sound: ${read}.` : `The store is not sound; see above. It holds ${read}.`)
    return problems.length === 0 ? 0 : 1
  })
}
