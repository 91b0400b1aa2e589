import { openStoreBeside } from '../open-store.js'
import type { StoreBeside, StoreLocation } from '../store/store.js'

/** Takes one line of a command's output. */
export type Print = (line: string) => void

export const toStdout: Print = (line) => {
  process.stdout.write(`${line}\n`)
}

/**
 * Opens a store for a command and closes it afterwards. A relay may be running on the store.
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

/** The directory of the embedded store. @throws Error for a database */
export function directoryOf({ data, store }: StoreLocation): string {
  if (store !== undefined)
    throw new Error(
      'This command works on the embedded store only. Back up and restore a database with its own tools (docs/operate.md says how).',
    )
  return data
}
