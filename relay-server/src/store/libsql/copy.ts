import { createReadStream, createWriteStream } from 'node:fs'
import { copyFile, link, open, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { lockDirectory, openWriteConnection } from './connection.js'
import { checkLibsqlFile } from './check.js'
import { fileIn, openFileBeside } from './file.js'
import { keepToOwner, ownFile } from './owner.js'

/**
 * Writes a snapshot of a store to a new file, while a relay may go on writing. The copy holds every entry that was acknowledged before the call. The file
 * appears under its name only when it is whole, checked and on stable storage.
 *
 * @throws Error when the file exists, the store cannot be read or is not sound, or the disk does not take the copy
 */
export async function copyLibsqlStore(directory: string, file: string): Promise<void> {
  if (await exists(file)) throw new Error(`${file} exists; a backup does not overwrite anything.`)
  const part = `${file}.part-${process.pid}`
  const { writer } = await openFileBeside(directory)
  try {
    // Created beforehand for its owner only, because it holds the relay's secret.
    await (await open(part, 'wx', ownFile)).close()
    ;(await writer.prepare('VACUUM INTO ?')).run([part])
    await refuseProblems(part)
    await syncToDisk(part)
    await rename(part, file)
    await syncToDisk(dirname(file))
  } catch (error) {
    await rm(part, { force: true })
    throw error
  } finally {
    writer.close()
  }
}

/** The remains of a store that a restore replaced. */
export interface Replaced {
  /** The path of the old store, or undefined if there was none. */
  readonly aside: string | undefined
  /** Whether the operator's decisions about orgs were taken over from the old store. */
  readonly keptDecisions: boolean
}

/**
 * Replaces a directory's store by a copy. The next start draws an incarnation that the copy does not know, so devices notice what the copy lacks, and fill it.
 * Devices cannot fill in the operator's decisions about orgs, and a removed device would not fill in the roster that removed it. So decisions and rosters are
 * taken over from the replaced store if it can still be read.
 *
 * @param now ms since 1970, for the name under which the old store is set aside
 * @throws Error when a relay uses the directory, or the copy is not sound; then nothing was changed
 */
export async function restoreLibsqlStore(directory: string, file: string, now: number): Promise<Replaced> {
  if (!(await exists(file))) throw new Error(`There is no file ${file}.`)
  if (((await sizeOf(`${file}-wal`)) ?? 0) > 0)
    throw new Error(`${file} is not whole: ${file}-wal belongs to it. Restore from what "entente-relay backup" wrote.`)
  const unlock = lockDirectory(directory)
  try {
    return await replaceLocked(directory, file, now)
  } finally {
    unlock()
  }
}

async function replaceLocked(directory: string, file: string, now: number): Promise<Replaced> {
  const present = fileIn(directory)
  const next = `${present}.restoring`
  const isThere = await exists(present)
  try {
    await removeFile(next)
    await pipeline(createReadStream(file), createWriteStream(next, { flags: 'wx', mode: ownFile }))
    await refuseProblems(next)
    if (isThere) {
      keepToOwner(present)
      await foldLog(present)
    }
    const keptDecisions = isThere && (await takeDecisions(present, next))
    await syncToDisk(next)
    const aside = isThere ? `${present}.before-${new Date(now).toISOString().replaceAll(/[:.]/g, '-')}` : undefined
    if (aside !== undefined) await putAside(present, aside)
    await rename(next, present)
    await syncToDisk(directory)
    return { aside, keptDecisions }
  } catch (error) {
    await removeFile(next)
    throw error
  }
}

async function refuseProblems(file: string): Promise<void> {
  const problems = await checkLibsqlFile(file).catch((error: unknown) => [error instanceof Error ? error.message : String(error)])
  if (problems.length > 0) throw new Error(`The copy is not sound:\n${problems.join('\n')}`)
}

/** Moves the entries that a killed relay left in its log into the file. If that fails, the file is damaged and is set aside as it is, with its log. */
async function foldLog(path: string): Promise<void> {
  const writer = openWriteConnection(path)
  await writer.exec('PRAGMA wal_checkpoint(TRUNCATE)').catch(() => {})
  writer.close()
}

async function takeDecisions(from: string, to: string): Promise<boolean> {
  const writer = openWriteConnection(to)
  try {
    await writer.exec('PRAGMA journal_mode = DELETE')
    ;(await writer.prepare('ATTACH ? AS before')).run([from])
    await writer.exec(`INSERT INTO orgs (org, standing, quota_bytes, quota_docs, quota_connections)
      SELECT org, standing, quota_bytes, quota_docs, quota_connections FROM before.orgs WHERE true
      ON CONFLICT (org) DO UPDATE SET standing = excluded.standing, quota_bytes = excluded.quota_bytes, quota_docs = excluded.quota_docs,
      quota_connections = excluded.quota_connections;
      INSERT INTO rosters (org, number, token) SELECT org, number, token FROM before.rosters WHERE true
      ON CONFLICT (org) DO UPDATE SET number = excluded.number, token = excluded.token WHERE excluded.number > number`)
    return true
  } catch {
    return false
  } finally {
    writer.close()
  }
}

/** Moves the log first: SQLite would apply it to any database file beside it. */
async function putAside(present: string, aside: string): Promise<void> {
  if (((await sizeOf(`${present}-wal`)) ?? 0) > 0) await rename(`${present}-wal`, `${aside}-wal`)
  for (const end of ['-wal', '-shm']) await rm(present + end, { force: true })
  // A hard link, so that there is a file under the name at every moment; not every file system has links.
  await link(present, aside).catch(() => copyFile(present, aside))
}

async function removeFile(path: string): Promise<void> {
  for (const end of ['', '-wal', '-shm', '-journal']) await rm(path + end, { force: true })
}

async function exists(path: string): Promise<boolean> {
  return (await sizeOf(path)) !== undefined
}

async function sizeOf(path: string): Promise<number | undefined> {
  return stat(path).then(
    (found) => found.size,
    () => undefined,
  )
}

async function syncToDisk(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
