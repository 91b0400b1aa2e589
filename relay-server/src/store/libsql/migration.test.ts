import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { emptyVector, encodeStateVector, parseKey } from '@entente/protocol'
import Database from 'libsql'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { runRestore } from '../../command/restore.js'
import { bounds, DocWriter, feed, invitation, keysOf, message, org } from '../contract/writes.js'
import { openLibsqlStore } from './libsql.js'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'entente-migration-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

it('brings a file of version 3 to the present form when its relay opens it, with all that it holds', async () => {
  const doc = new DocWriter('r1')
  fill(join(directory, 'relay.db'), doc)
  await expect(openLibsqlStore(directory, { beside: true })).rejects.toThrow('earlier relay')
  const store = await openLibsqlStore(directory)
  expect(keysOf(await store.page(feed, 0, bounds))).toEqual(['r1 1', 'r1 2', 'gone 3'])
  expect(await store.headSince(feed, 77, 2)).toBeDefined()
  expect(await store.check()).toEqual([])
  expect((await store.commit([doc.update(2), message('m')])).sequences).toEqual([4, 5])
  expect(await store.addInvitation(invitation('B', 5_000), 1)).toBeUndefined()
  expect(await store.check()).toEqual([])
  await store.close()
  const made = join(directory, 'made')
  await (await openLibsqlStore(made)).close()
  expect(formOf(join(directory, 'relay.db'))).toEqual(formOf(join(made, 'relay.db')))
})

it('restores a copy of version 3', async () => {
  const copy = join(directory, 'monday.db')
  fill(copy, new DocWriter('r1'))
  const location = { data: join(directory, 'data'), store: undefined }
  expect(await runRestore(location, copy, () => {})).toBe(0)
  const store = await openLibsqlStore(location.data)
  expect((await store.page(feed, 0, bounds)).head).toBe(3)
  await store.close()
})

/** Tables with their columns, and indexes. */
function formOf(path: string): unknown {
  const database = new Database(path)
  const form = database
    .prepare('SELECT m.type, m.name, c.name AS part FROM sqlite_master m LEFT JOIN pragma_table_info(m.name) c ORDER BY m.name, c.name')
    .all([])
  const version = database.prepare('PRAGMA user_version').all([])
  database.close()
  return [version, form]
}

/** Makes a file as relays of version 3 left it, with a doc of two entries, a tombstone and an invitation. */
function fill(path: string, doc: DocWriter): void {
  const [whole, update] = [doc.begin(), doc.update(1)]
  const database = new Database(path)
  database.exec(version3)
  const add = (sql: string, ...cells: readonly unknown[]): void => {
    database.prepare(sql).run(cells)
  }
  add('INSERT INTO incarnations (n, id) VALUES (1, 77)')
  add('INSERT INTO feeds (id, name, owner, head, incarnation) VALUES (1, ?, ?, 3, 1)', feed, org)
  add('INSERT INTO feed_incarnations (feed, n, head) VALUES (1, 1, 0)')
  const vector = encodeStateVector(whole.vector)
  add('INSERT INTO docs VALUES (1, 1, ?, 0, 1, 0, 1, ?, ?)', parseKey('r1'), whole.bytes.length, vector)
  add('INSERT INTO states VALUES (1, ?)', whole.bytes)
  add('INSERT INTO tails VALUES (1, 2, 1, ?, ?)', update.bytes, encodeStateVector(update.vector))
  add('INSERT INTO docs VALUES (2, 1, ?, 3, 1, 0, 3, 0, ?)', parseKey('gone'), encodeStateVector(emptyVector))
  add('INSERT INTO states VALUES (2, ?)', new Uint8Array())
  const bytes = whole.bytes.length + update.bytes.length
  add('INSERT INTO orgs (org, bytes, docs, tail_updates, tombstones) VALUES (?, ?, 1, 1, 1)', org, bytes)
  const { mailbox, vendor, claimHash, expires } = invitation('A', 5_000)
  add('INSERT INTO invitations VALUES (?, ?, NULL, ?, ?, 0, 0)', mailbox, vendor, claimHash, expires)
  database.close()
}

/** The form of version 3, as it was. */
const version3 = `
CREATE TABLE settings (
  one INTEGER PRIMARY KEY CHECK (one = 1), secret BLOB NOT NULL, revision INTEGER NOT NULL DEFAULT 0, tried INTEGER NOT NULL DEFAULT 0
);
INSERT INTO settings (one, secret) VALUES (1, randomblob(32));
CREATE TABLE incarnations (n INTEGER PRIMARY KEY, id INTEGER NOT NULL UNIQUE);
CREATE TABLE feeds (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, owner TEXT NOT NULL, head INTEGER NOT NULL, incarnation INTEGER NOT NULL
);
CREATE TABLE feed_incarnations (feed INTEGER NOT NULL, n INTEGER NOT NULL, head INTEGER NOT NULL, PRIMARY KEY (feed, n)) WITHOUT ROWID;
CREATE TABLE docs (
  id INTEGER PRIMARY KEY, feed INTEGER NOT NULL, key TEXT NOT NULL, kind INTEGER NOT NULL, version INTEGER NOT NULL, number INTEGER NOT NULL,
  merged INTEGER NOT NULL, bytes INTEGER NOT NULL, vector BLOB NOT NULL, UNIQUE (feed, key)
);
CREATE INDEX docs_by_merged ON docs (feed, merged);
CREATE TABLE states (doc INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
CREATE TABLE tails (
  feed INTEGER NOT NULL, sequence INTEGER NOT NULL, doc INTEGER NOT NULL, bytes BLOB NOT NULL, vector BLOB NOT NULL, PRIMARY KEY (feed, sequence)
) WITHOUT ROWID;
CREATE INDEX tails_by_doc ON tails (doc, sequence);
CREATE TABLE orgs (
  org TEXT PRIMARY KEY, standing TEXT NOT NULL DEFAULT 'none', quota_bytes INTEGER, quota_docs INTEGER, quota_connections INTEGER,
  bytes INTEGER NOT NULL DEFAULT 0, docs INTEGER NOT NULL DEFAULT 0, connections INTEGER NOT NULL DEFAULT 0,
  tombstones INTEGER NOT NULL DEFAULT 0, tail_updates INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE invitations (
  mailbox TEXT PRIMARY KEY, vendor TEXT NOT NULL, partner TEXT, claim_hash BLOB NOT NULL, expires INTEGER NOT NULL, wrong_tries INTEGER NOT NULL,
  void INTEGER NOT NULL
) WITHOUT ROWID;
PRAGMA user_version = 3;
`
