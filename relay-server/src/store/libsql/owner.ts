import { chmodSync, closeSync, openSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

// The store holds what every org wrote, if sealed, and the secret under which the relay's own tokens are made. So its files are for the user of the relay alone, whatever
// the umask of the process.

/** Of a directory and of a file: for the owner alone. */
export const ownDirectory = 0o700
export const ownFile = 0o600

/**
 * Makes the file of a database where there is none, and takes it, and the logs beside it, from all but its owner. SQLite gives the logs the mode of the file, and the
 * file that of the umask. Where the file system has no modes, or the file is another user's, it stays as it is; `openToOthers` tells.
 *
 * @throws Error where the file cannot be made
 */
export function keepToOwner(file: string): void {
  closeSync(openSync(file, 'a', ownFile))
  for (const end of ['', '-wal', '-shm', '-journal']) {
    try {
      if (isOpen(file + end)) chmodSync(file + end, ownFile)
    } catch {
      // Told by `openToOthers`.
    }
  }
}

/** What of a store's directory others than its owner may read or write: the directory as ".", and the names of files. Windows has other means. */
export function openToOthers(directory: string): readonly string[] {
  if (process.platform === 'win32') return []
  const files = readdirSync(directory).filter((name) => name.startsWith('relay.'))
  return ['.', ...files].filter((name) => isOpen(join(directory, name)))
}

function isOpen(path: string): boolean {
  return ((statSync(path, { throwIfNoEntry: false })?.mode ?? 0) & 0o077) !== 0
}
