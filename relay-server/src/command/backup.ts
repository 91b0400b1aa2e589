import { stat } from 'node:fs/promises'
import type { StoreLocation } from '../store/store.js'
import { copyLibsqlStore } from '../store/libsql/copy.js'
import { directoryOf, type Print, toStdout } from './with-store.js'

/**
 * Writes a consistent, checked copy of a store to a new file. A relay may run meanwhile.
 *
 * @returns the exit code, 0
 * @throws Error when the file exists or cannot be written, or the store cannot be read; then there is no file
 */
export async function runBackup(location: StoreLocation, file: string, print: Print = toStdout): Promise<number> {
  await copyLibsqlStore(directoryOf(location), file)
  print(`Written and checked: ${file}, ${(await stat(file)).size} bytes.`)
  return 0
}
