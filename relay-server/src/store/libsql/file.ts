import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { lockDirectory, openWriteConnection, toNumber, type WriteConnection } from './connection.js'
import { keepToOwner } from './owner.js'
import { schema, schemaVersion } from './schema.js'

/** An incarnation: its number in the order of drawing (n), and its id for devices. */
export interface Incarnation {
  readonly n: number
  readonly id: number
}

/** The store's file, opened for writing. */
export interface OpenFile {
  readonly path: string
  readonly writer: WriteConnection
  readonly incarnation: Incarnation
  /** Releases the lock of the directory. */
  unlock(): void
}

export function fileIn(directory: string): string {
  return join(directory, 'relay.db')
}

/**
 * Opens a directory for its relay: locks it for this process, creates the file if there is none, and draws an incarnation.
 *
 * @throws Error when another relay uses the directory, the file is of another version, or cannot be written
 */
export async function openFile(directory: string): Promise<OpenFile> {
  const unlock = lockDirectory(directory)
  const path = fileIn(directory)
  let writer: WriteConnection | undefined
  try {
    keepToOwner(path)
    writer = await openAsWriter(path)
    await makeSchema(writer, path)
    return { path, writer, incarnation: await drawIncarnation(writer), unlock }
  } catch (error) {
    writer?.close()
    unlock()
    throw error
  }
}

/**
 * Opens the file beside a relay that may be running on it. It creates no file, takes no lock and draws no incarnation.
 *
 * @throws Error when there is no store in the directory, or the file is of another version
 */
export async function openFileBeside(directory: string): Promise<OpenFile> {
  const path = fileIn(directory)
  if (!existsSync(path)) throw new Error(`There is no store in ${directory}.`)
  const writer = await openAsWriter(path)
  try {
    refuseOtherVersion(await versionOf(writer), path)
    const row = (await writer.prepare('SELECT n, id FROM incarnations ORDER BY n DESC LIMIT 1')).get([])
    return { path, writer, incarnation: { n: toNumber(row?.['n']), id: toNumber(row?.['id']) }, unlock: () => {} }
  } catch (error) {
    writer.close()
    throw error
  }
}

async function makeSchema(writer: WriteConnection, path: string): Promise<void> {
  const version = await versionOf(writer)
  if (version === 0) await writer.exec(`BEGIN IMMEDIATE; ${schema} PRAGMA user_version = ${schemaVersion}; COMMIT`)
  else refuseOtherVersion(version, path)
}

/** @throws Error when a file has another version than the present one */
export function refuseOtherVersion(version: number, path: string): void {
  if (version === schemaVersion) return
  throw new Error(
    version > schemaVersion
      ? `${path} was written by a newer relay (${version}, known here: ${schemaVersion}); use that one instead.`
      : `${path} is not a relay's store.`,
  )
}

async function openAsWriter(path: string): Promise<WriteConnection> {
  const writer = openWriteConnection(path)
  // FULL makes every commit wait for the disk, so an acknowledged entry survives a power cut. secure_delete overwrites removed data, so a withdrawn value
  // is gone from the file.
  await writer.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA cache_size = -8192; PRAGMA wal_autocheckpoint = 4096',
  )
  return writer
}

async function versionOf(writer: WriteConnection): Promise<number> {
  return toNumber((await writer.prepare('PRAGMA user_version')).get([])?.['user_version'])
}

/** Rule IN1: the incarnation is on disk before any device learns it. */
async function drawIncarnation(writer: WriteConnection): Promise<Incarnation> {
  const id = Number(randomBytes(8).readBigUInt64BE() >> 11n)
  const row = (await writer.prepare('INSERT INTO incarnations (id) VALUES (?) RETURNING n')).get([id])
  return { n: toNumber(row?.['n']), id }
}
