import { accessSync, constants, mkdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import Database from 'libsql'
import AsyncDatabase from 'libsql/promise'

/** A value that SQLite takes or gives. Blobs come back as Buffer, in other versions of the driver as ArrayBuffer. */
export type Cell = number | string | null | Uint8Array | ArrayBuffer
export type SqliteRow = Readonly<Record<string, Cell>>

/** A prepared statement. Parameters always travel as one list: a lone blob among them would otherwise be taken for the list. */
export interface Statement {
  get(parameters: readonly Cell[]): SqliteRow | undefined
  /** @returns how many rows changed */
  run(parameters: readonly Cell[]): number
}

export interface ReadStatement extends Statement {
  all(parameters: readonly Cell[]): readonly SqliteRow[]
}

/** The reading side: its own connection, so that a read never waits for a commit on its way to the disk. */
export interface ReadConnection {
  prepare(sql: string): ReadStatement
  /** Runs several statements over one moment of the database. */
  snapshot<T>(read: () => T): T
  /** The same for reading that takes turns with other work; only where nobody else uses this connection. */
  longSnapshot<T>(read: () => Promise<T>): Promise<T>
  close(): void
}

/** The writing side: statements run at once, the commit with its fsync on another thread. */
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
  // Nothing was written, so there is nothing to fail; but a read error before it is told here again, and must not leave the snapshot open for ever.
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
 * Makes a directory where it is missing, and holds it for this process until the returned function is called or the process ends, however it ends: the lock is the operating
 * system's own, on a file of the database's making, so that a killed relay leaves nothing to clear away.
 *
 * @throws Error where another relay holds it, or it cannot be written
 */
export function lockDirectory(directory: string): () => void {
  try {
    makeDirectory(directory)
    accessSync(directory, constants.W_OK)
  } catch (error) {
    throw cannotWrite(directory, error)
  }
  const lock = new Database(join(directory, 'relay.lock'), { timeout: 0 })
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

/** Node's own recursive mkdir goes on for ever where the directory above is there and each mkdir says that it is not, as on /proc. */
function makeDirectory(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return
  const above = dirname(path)
  if (above !== path) makeDirectory(above)
  try {
    mkdirSync(path)
  } catch (error) {
    // Another process may have made it meanwhile.
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

// The driver's own types say `unknown`; the rows are those of our own tables, so naming their type here is the boundary.
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
