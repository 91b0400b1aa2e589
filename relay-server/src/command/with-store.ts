import { openStoreBeside } from '../open-store.js'
import type { StoreBeside, StoreLocation } from '../store/store.js'

/** Where a command writes its answer, a line at a time. */
export type Print = (line: string) => void

export const toStdout: Print = (line) => {
  process.stdout.write(`${line}\n`)
}

/**
 * Opens a relay's store for a command, beside a relay that may be running on it, and closes it after.
 *
 * @throws Error when there is no store, or it cannot be read
 */
export async function withStore<T>(location: StoreLocation, work: (store: StoreBeside) => Promise<T>): Promise<T> {
  const store = await openStoreBeside(location)
  try {
    return await work(store)
  } finally {
    await store.close()
  }
}

/** @throws Error for a store that is no directory */
export function directoryOf({ data, store }: StoreLocation): string {
  if (store !== undefined)
    throw new Error(
      'This command copies the embedded store; a database is backed up and restored by its own tools (docs/operate.md says how).',
    )
  return data
}
