import type { StoreLocation } from '../store/store.js'
import { restoreLibsqlStore } from '../store/libsql/copy.js'
import { directoryOf, type Print, toStdout } from './with-store.js'

/**
 * Replaces a store by a copy that `backup` wrote, while no relay runs on it. Devices fill what the copy lacks when they connect.
 *
 * @returns the exit code, 0
 * @throws Error when a relay runs on the store, or the file is not sound; then nothing was changed
 */
export async function runRestore(location: StoreLocation, file: string, print: Print = toStdout): Promise<number> {
  const { aside, keptDecisions } = await restoreLibsqlStore(directoryOf(location), file, Date.now())
  print(`The store is now the copy ${file}. Start the relay; devices fill what it lacks as they connect.`)
  if (aside !== undefined) print(`The old store is now ${aside}; remove it when you no longer need it.`)
  print(
    keptDecisions
      ? 'The list and the quotas of orgs are those of the old store.'
      : 'The list and the quotas of orgs are those of the copy; see "entente-relay orgs list".',
  )
  return 0
}
