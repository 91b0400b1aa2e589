import { accessSync, constants, mkdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import Database from 'libsql'
import AsyncDatabase from 'libsql/promise'
import { keepToOwner, ownDirectory } from './owner.js'

/** A value of SQLite. Blobs come back as Buffer, in other versions of the driver as ArrayBuffer. */
export type Cell = number | string | null | Uint8Array | ArrayBuffer
export type SqliteRow = Readonly<Record<string, Cell>>

/** A prepared statement. Parameters are always one list, because the driver would take a single blob for the list. */
export interface Statement {
  get(parameters: readonly Cell[]): SqliteRow | undefined
  /** @returns the number of changed rows */
  run(parameters: readonly Cell[]): number
}

export interface ReadStatement extends Statement {
  all(parameters: readonly Cell[]): readonly SqliteRow[]
}

/** The reading side. It has a connection of its own, so that a read never waits for a commit. */
export interface ReadConnection {
  prepare(sql: string): ReadStatement
  /** Runs several statements in one snapshot of the database. */
  snapshot<T>(read: () => T): T
  /** The same for asynchronous reads, on a connection that nothing else uses. */
  longSnapshot<T>(read: () => Promise<T>): Promise<T>
  close(): void
}

/** The writing side. Statements run on this thread, the commit with its fsync on another. */
export interface WriteConnection {
  prepare(sql: string): Promise<Statement>
  exec(sql: string): Promise<void>
  close(): void
}

export function openReadConnection(file: string): ReadConnection {
  const database = new Database(file, { timeout: 5000 })
  database.exec('PRAGMA query_only = ON')
  const begin = database.prepare('BEGIN')
  const commit = database.prepare('COMMIT')
  // A read-only transaction cannot fail to commit, but an earlier read error shows here again, and must not leave the snapshot open for ever.
  const end = (): void => {
    try {
      commit.run([])
    } catch {
      if (database.inTransaction) database.exec('ROLLBACK')
    }
  }
  return {
    prepare: (sql) => {
      const statement = database.prepare(sql)
      return { ...wrap(statement), all: (parameters) => statement.all(parameters) as readonly SqliteRow[] }
    },
    snapshot: (read) => {
      begin.run([])
      try {
        return read()
      } finally {
        end()
      }
    },
    longSnapshot: async (read) => {
      begin.run([])
      try {
        return await read()
      } finally {
        end()
      }
    },
    close: () => database.close(),
  }
}

export function openWriteConnection(file: string): WriteConnection {
  const database = new AsyncDatabase(file, { timeout: 5000 })
  return {
    prepare: async (sql) => {
      const statement: RawStatement = await database.prepare(sql)
      return wrap(statement)
    },
    exec: async (sql) => {
      await database.exec(sql)
    },
    close: () => database.close(),
  }
}

/**
 * Creates a directory for its owner alone if it is missing, and locks it for this process until the returned function is called or the process ends. The operating system holds the lock, on
 * a file that the database makes, so a killed relay leaves nothing to clean up.
 *
 * @throws Error when another relay holds the lock, or the directory cannot be written
 */
export function lockDirectory(directory: string): () => void {
  const lockFile = join(directory, 'relay.lock')
  try {
    makeDirectory(directory)
    accessSync(directory, constants.W_OK)
    keepToOwner(lockFile)
  } catch (error) {
    throw cannotWrite(directory, error)
  }
  const lock = new Database(lockFile, { timeout: 0 })
  try {
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; CREATE TABLE IF NOT EXISTS held (one INTEGER); COMMIT')
  } catch (error) {
    lock.close()
    if (!(error instanceof Error && 'code' in error && error.code === 'SQLITE_BUSY')) throw cannotWrite(directory, error)
    throw new Error(`Another relay uses the data in ${directory}; stop it first, or give this one a directory of its own.`, {
      cause: error,
    })
  }
  return () => lock.close()
}

/** A recursive mkdir. Node's own never ends where the parent exists and each mkdir says that it does not, as on /proc. */
function makeDirectory(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return
  const above = dirname(path)
  if (above !== path) makeDirectory(above)
  try {
    mkdirSync(path, { mode: ownDirectory })
  } catch (error) {
    // Another process may have created it meanwhile.
    if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw error
  }
}

function cannotWrite(directory: string, error: unknown): Error {
  const reason = error instanceof Error ? error.message : String(error)
  return new Error(`The data in ${directory} cannot be written (${reason}); a relay needs a disk with room that it may write to.`, {
    cause: error,
  })
}

interface RawStatement {
  get(parameters: unknown): unknown
  run(parameters: unknown): { readonly changes: number }
}

// The driver's types say `unknown`. The rows are those of our own tables, so this is the boundary that names their type.
function wrap(statement: RawStatement): Statement {
  return {
    get: (parameters) => statement.get(parameters) as SqliteRow | undefined,
    run: (parameters) => statement.run(parameters).changes,
  }
}

export function toNumber(cell: Cell | undefined): number {
  if (typeof cell !== 'number') throw new Error('The store holds something else where a number belongs; run a check on its file.')
  return cell
}

export function toText(cell: Cell | undefined): string {
  if (typeof cell !== 'string') throw new Error('The store holds something else where a text belongs; run a check on its file.')
  return cell
}

export function toBytes(cell: Cell | undefined): Uint8Array {
  if (cell instanceof ArrayBuffer) return new Uint8Array(cell)
  if (cell instanceof Uint8Array) return new Uint8Array(cell.buffer, cell.byteOffset, cell.byteLength)
  throw new Error('The store holds something else where bytes belong; run a check on its file.')
}
