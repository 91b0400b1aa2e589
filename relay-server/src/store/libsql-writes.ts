import { encodeStateVector, entryKinds, type FeedName } from '@entente/protocol'
import { type Statement, toNumber, type Writer } from './connection.js'
import { toInvitation } from './libsql-reads.js'
import type { Commit, Invitation, KeyName, StoredDoc, Write } from './store.js'

const statements = {
  begin: 'BEGIN IMMEDIATE',
  position: 'SELECT position FROM counter',
  setPosition: 'UPDATE counter SET position = ?',
  tryWriting: 'UPDATE counter SET tried = tried + 1',
  feed: 'SELECT id, head FROM feeds WHERE name = ?',
  addFeed: 'INSERT INTO feeds (name, head) VALUES (?, 0) RETURNING id',
  setHead: 'UPDATE feeds SET head = ? WHERE id = ?',
  doc: 'SELECT id, sequence, merged, tail FROM docs WHERE feed = ? AND key = ?',
  addDoc:
    'INSERT INTO docs (feed, key, kind, version, number, sequence, merged, tail, vector) VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?) RETURNING id',
  replaceDoc: 'UPDATE docs SET kind = ?, version = ?, number = ?, sequence = ?, merged = ?, tail = 0, vector = ? WHERE id = ?',
  extendDoc: 'UPDATE docs SET sequence = ?, tail = tail + 1, vector = ? WHERE id = ?',
  mergeDoc: 'UPDATE docs SET merged = ?, tail = tail - ? WHERE id = ?',
  setState: 'INSERT INTO states (doc, bytes) VALUES (?, ?) ON CONFLICT (doc) DO UPDATE SET bytes = excluded.bytes',
  addTail: 'INSERT INTO tails (feed, sequence, doc, bytes) VALUES (?, ?, ?, ?)',
  dropTail: 'DELETE FROM tails WHERE doc = ? AND sequence <= ?',
  invitation: 'SELECT * FROM invitations WHERE mailbox = ?',
  setInvitation:
    'INSERT OR REPLACE INTO invitations (mailbox, vendor, partner, claim_hash, expires, wrong_tries, void) VALUES (?, ?, ?, ?, ?, ?, ?)',
  forgetInvitations: 'DELETE FROM invitations WHERE expires < ?',
  dropTails: 'DELETE FROM tails WHERE feed = ?',
  dropStates: 'DELETE FROM states WHERE doc IN (SELECT id FROM docs WHERE feed = ?)',
  dropDocs: 'DELETE FROM docs WHERE feed = ?',
  dropFeed: 'DELETE FROM feeds WHERE id = ?',
} as const

type Statements = Readonly<Record<keyof typeof statements, Statement>>

/** What the embedded store writes, each to be run inside the one open transaction. */
export class LibsqlWrites {
  readonly #statements: Statements

  private constructor(prepared: Statements) {
    this.#statements = prepared
  }

  static async prepare(writer: Writer): Promise<LibsqlWrites> {
    const entries = Object.entries(statements).map(async ([name, sql]) => [name, await writer.prepare(sql)] as const)
    return new LibsqlWrites(Object.fromEntries(await Promise.all(entries)) as Statements)
  }

  get begin(): Statement {
    return this.#statements.begin
  }

  append(writes: readonly Write[]): Commit {
    const run = this.#statements
    const heads = new Map<FeedName, { readonly id: number; head: number }>()
    const sequences: number[] = []
    const tails: number[] = []
    let written = 0
    for (const write of writes) {
      let feed = heads.get(write.feed)
      if (!feed) {
        feed = this.#openFeed(write.feed)
        heads.set(write.feed, feed)
      }
      const tail = this.#appendOne(feed.id, feed.head + 1, write)
      tails.push(tail ?? 0)
      sequences.push(tail === undefined ? 0 : ++feed.head)
      if (tail !== undefined) written++
    }
    const position = toNumber(run.position.get([])?.['position']) + written
    if (written > 0) run.setPosition.run([position])
    for (const { id, head } of heads.values()) run.setHead.run([head, id])
    return { position, sequences, tails }
  }

  #openFeed(name: FeedName): { readonly id: number; head: number } {
    const row = this.#statements.feed.get([name])
    if (row) return { id: toNumber(row['id']), head: toNumber(row['head']) }
    return { id: toNumber(this.#statements.addFeed.get([name])?.['id']), head: 0 }
  }

  /** @returns the length of the key's tail afterwards, or undefined where the write comes too late */
  #appendOne(feed: number, sequence: number, write: Write): number | undefined {
    const run = this.#statements
    const row = run.doc.get([feed, write.key])
    if ((row ? toNumber(row['sequence']) : 0) !== write.seen) return undefined
    const kind = entryKinds.indexOf(write.kind)
    const { version, number } = write.epoch
    const vector = encodeStateVector(write.vector)
    if (!row) {
      const id = toNumber(run.addDoc.get([feed, write.key, kind, version, number, sequence, sequence, vector])?.['id'])
      run.setState.run([id, write.bytes])
      return 0
    }
    const id = toNumber(row['id'])
    if (write.kind === 'doc' && !write.whole) {
      run.addTail.run([feed, sequence, id, write.bytes])
      run.extendDoc.run([sequence, vector, id])
      return toNumber(row['tail']) + 1
    }
    if (toNumber(row['tail']) > 0) run.dropTail.run([id, sequence])
    run.replaceDoc.run([kind, version, number, sequence, sequence, vector, id])
    run.setState.run([id, write.bytes])
    return 0
  }

  compact(name: KeyName, from: StoredDoc, merged: Uint8Array): boolean {
    const run = this.#statements
    const feed = run.feed.get([name.feed])
    const row = feed && run.doc.get([toNumber(feed['id']), name.key])
    if (!row || toNumber(row['merged']) !== from.merged) return false
    const id = toNumber(row['id'])
    run.dropTail.run([id, from.sequence])
    run.setState.run([id, merged])
    run.mergeDoc.run([from.sequence, from.states.length - 1, id])
    return true
  }

  changeInvitation(mailbox: string, change: (present: Invitation | undefined) => Invitation | undefined): Invitation | undefined {
    const present = toInvitation(this.#statements.invitation.get([mailbox]))
    const next = change(present)
    if (!next) return present
    const { vendor, partner, claimHash, expires, wrongTries, isVoid } = next
    this.#statements.setInvitation.run([mailbox, vendor, partner ?? null, claimHash, expires, wrongTries, isVoid ? 1 : 0])
    return next
  }

  dropFeed(name: FeedName): void {
    const row = this.#statements.feed.get([name])
    if (!row) return
    const id = toNumber(row['id'])
    for (const statement of ['dropTails', 'dropStates', 'dropDocs', 'dropFeed'] as const) this.#statements[statement].run([id])
  }

  forgetInvitations(expiredBefore: number): void {
    this.#statements.forgetInvitations.run([expiredBefore])
  }

  tryWriting(): void {
    this.#statements.tryWriting.run([])
  }
}
