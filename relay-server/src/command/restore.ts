import type { StoreLocation } from '../store/store.js'
import { restoreLibsqlStore } from '../store/libsql/copy.js'
import { directoryOf, type Print, toStdout } from './with-store.js'

/**
 * Puts what `backup` wrote in the place of a store, while no relay runs on it. Devices fill what it lacks when they connect.
 *
 * @returns the exit code, 0
 * @throws Error when a relay runs on the store, or the file is not sound; then nothing was changed
 */
export async function runRestore(location: StoreLocation, file: string, print: Print = toStdout): Promise<number> {
  const { aside, keptDecisions } = await restoreLibsqlStore(directoryOf(location), file, Date.now())
  print(`The store is now that of ${file}. Start the relay; devices fill what it lacks as they connect.`)
  if (aside !== undefined) print(`The store that was there before is ${aside}; remove it when it is of no more use.`)
  print(
    keptDecisions
      ? 'What was decided about orgs (allowed, revoked, quotas) is as it was before the restoration.'
      : 'What was decided about orgs (allowed, revoked, quotas) is as old as the file; see "entente-relay orgs list".',
  )
  return 0
}
