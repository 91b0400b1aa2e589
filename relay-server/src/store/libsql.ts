import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { FeedName } from '@entente/protocol'
import { lockDirectory, openReader, openWriter, type Reader, toNumber, type Writer } from './connection.js'
import { LibsqlReads } from './libsql-reads.js'
import { LibsqlWrites } from './libsql-writes.js'
import { schema, schemaVersion } from './schema.js'
import type { Commit, Invitation, KeyName, KeyState, Page, PageBounds, Store, StoredDoc, Write } from './store.js'

/**
 * The embedded store: one SQLite file in `directory`, which is made where it is missing. One relay at a time: what it knows of each key is its own.
 *
 * @throws Error when the file was written by a newer relay, another relay uses the directory, or it cannot be written.
 */
export async function openLibsqlStore(directory: string): Promise<Store> {
  mkdirSync(directory, { recursive: true })
  const unlock = lockDirectory(directory)
  try {
    return await openLocked(directory, unlock)
  } catch (error) {
    unlock()
    throw error
  }
}

async function openLocked(directory: string, unlock: () => void): Promise<Store> {
  const file = join(directory, 'relay.db')
  const writer = openWriter(file)
  // FULL makes every commit wait for the disk (an acknowledged entry survives a power cut), secure_delete overwrites what is removed (a withdrawn
  // value is gone from the file).
  await writer.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA cache_size = -8192')
  const version = toNumber((await writer.prepare('PRAGMA user_version')).get([])?.['user_version'])
  if (version > schemaVersion) {
    writer.close()
    throw new Error(
      `The store in ${directory} was written by a newer relay (${version}, known here: ${schemaVersion}); start that one instead.`,
    )
  }
  await writer.exec(`BEGIN IMMEDIATE; ${schema} PRAGMA user_version = ${schemaVersion}; COMMIT`)
  const opening = await recordOpening(writer)
  const reader = openReader(file)
  return new LibsqlStore(opening, writer, reader, await LibsqlWrites.prepare(writer), unlock)
}

/** Rule OP1: the opening is on disk before anyone is told of it. */
async function recordOpening(writer: Writer): Promise<{ readonly id: number; readonly position: number }> {
  const id = Number(randomBytes(8).readBigUInt64BE() >> 11n)
  const position = toNumber((await writer.prepare('SELECT position FROM counter')).get([])?.['position'])
  const insert = await writer.prepare('INSERT INTO openings (id, position) VALUES (?, ?)')
  insert.run([id, position])
  return { id, position }
}

class LibsqlStore implements Store {
  readonly opening: number
  #position: number
  readonly #writer: Writer
  readonly #reader: Reader
  readonly #reads: LibsqlReads
  readonly #writes: LibsqlWrites
  readonly #unlock: () => void
  /** Transactions of the one writing connection run one after the other. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(
    opening: { readonly id: number; readonly position: number },
    writer: Writer,
    reader: Reader,
    writes: LibsqlWrites,
    unlock: () => void,
  ) {
    this.opening = opening.id
    this.#position = opening.position
    this.#writer = writer
    this.#reader = reader
    this.#reads = new LibsqlReads(reader)
    this.#writes = writes
    this.#unlock = unlock
  }

  position(): number {
    return this.#position
  }

  async knows(opening: number, position: number): Promise<boolean> {
    return this.#reads.knows(opening, position)
  }

  async keyStates(names: readonly KeyName[]): Promise<readonly (KeyState | undefined)[]> {
    return names.map((name) => this.#reads.keyState(name))
  }

  async message(name: KeyName): Promise<Uint8Array | undefined> {
    return this.#reads.message(name)
  }

  async page(feed: FeedName, after: number, bounds: PageBounds): Promise<Page> {
    return this.#reader.snapshot(() => this.#reads.page(feed, after, bounds))
  }

  async doc(name: KeyName): Promise<StoredDoc | undefined> {
    return this.#reader.snapshot(() => this.#reads.doc(name))
  }

  async invitation(mailbox: string): Promise<Invitation | undefined> {
    return this.#reads.invitation(mailbox)
  }

  async endedInvitations(before: number): Promise<readonly string[]> {
    return this.#reads.endedInvitations(before)
  }

  async commit(writes: readonly Write[]): Promise<Commit> {
    const commit = await this.#transact(() => this.#writes.append(writes))
    this.#position = commit.position
    return commit
  }

  compact(name: KeyName, from: StoredDoc, merged: Uint8Array): Promise<boolean> {
    return this.#transact(() => this.#writes.compact(name, from, merged))
  }

  async changeInvitation(
    mailbox: string,
    change: (present: Invitation | undefined) => Invitation | undefined,
  ): Promise<Invitation | undefined> {
    return this.#transact(() => this.#writes.changeInvitation(mailbox, change))
  }

  async dropFeeds(feeds: readonly FeedName[]): Promise<void> {
    await this.#transact(() => feeds.forEach((feed) => this.#writes.dropFeed(feed)))
  }

  async forgetInvitations(expiredBefore: number): Promise<void> {
    await this.#transact(() => this.#writes.forgetInvitations(expiredBefore))
  }

  async isWritable(): Promise<boolean> {
    try {
      await this.#transact(() => this.#writes.tryWriting())
      return true
    } catch {
      return false
    }
  }

  async close(): Promise<void> {
    await this.#last
    this.#reader.close()
    await this.#writer.exec('PRAGMA wal_checkpoint(TRUNCATE)').catch(() => {})
    this.#writer.close()
    this.#unlock()
  }

  #transact<T>(work: () => T): Promise<T> {
    const result = this.#last.then(async () => {
      this.#writes.begin.run([])
      try {
        const value = work()
        await this.#writer.exec('COMMIT')
        return value
      } catch (error) {
        await this.#writer.exec('ROLLBACK').catch(() => {})
        throw error
      }
    })
    this.#last = result.catch(() => {})
    return result
  }
}
