import { encodeStateVector, type EntryKind, entryKinds, type FeedName, type Key, type OrgId, parseOrgId } from '@entente/protocol'
import type { Account } from './account.js'
import { type Row, type Statement, toNumber, toText, type Writer } from './connection.js'
import { decideOrg, decisionCells, type Growth, growOrg, growthCells, noGrowth, toAccount } from './libsql-accounts.js'
import type { Opening } from './libsql-file.js'
import { toInvitation } from './libsql-reads.js'
import type { Commit, Invitation, KeyName, KeyPosition, StoredDoc, Write } from './store.js'

const erased = entryKinds.indexOf('erased')

const statements = {
  begin: 'BEGIN IMMEDIATE',
  tryWriting: 'UPDATE settings SET tried = tried + 1',
  feed: 'SELECT id, owner, head, opening FROM feeds WHERE name = ?',
  addFeed: 'INSERT INTO feeds (name, owner, head, opening) VALUES (?, ?, 0, 0) RETURNING id',
  setHead: 'UPDATE feeds SET head = ?, opening = ? WHERE id = ?',
  openFeed: 'INSERT INTO feed_openings (feed, n, head) VALUES (?, ?, ?)',
  // The row that each update needs, and no more of it: every column costs.
  doc: 'SELECT id, sequence, tail FROM docs WHERE feed = ? AND key = ?',
  replaced: 'SELECT kind, tail, merged, bytes FROM docs WHERE id = ?',
  lastOf: 'SELECT d.sequence FROM docs d JOIN feeds f ON f.id = d.feed WHERE f.name = ? AND d.key = ?',
  addDoc:
    'INSERT INTO docs (feed, key, kind, version, number, sequence, merged, tail, bytes, vector) VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, ?) RETURNING id',
  replaceDoc: 'UPDATE docs SET kind = ?, version = ?, number = ?, sequence = ?, merged = ?, tail = 0, bytes = ?, vector = ? WHERE id = ?',
  extendDoc:
    'UPDATE docs SET sequence = ?, tail = tail + 1, bytes = bytes + ?, vector = ? WHERE feed = ? AND key = ? AND sequence = ? RETURNING id, tail',
  mergeDoc: 'UPDATE docs SET merged = ?, tail = tail - ?, bytes = bytes + ? WHERE id = ?',
  setState: 'INSERT INTO states (doc, bytes) VALUES (?, ?) ON CONFLICT (doc) DO UPDATE SET bytes = excluded.bytes',
  addTail: 'INSERT INTO tails (feed, sequence, doc, bytes) VALUES (?, ?, ?, ?)',
  dropTail: 'DELETE FROM tails WHERE doc = ? AND sequence <= ?',
  growOrg,
  decideOrg,
  revise: 'UPDATE settings SET revision = revision + 1',
  invitation: 'SELECT * FROM invitations WHERE mailbox = ?',
  setInvitation:
    'INSERT OR REPLACE INTO invitations (mailbox, vendor, partner, claim_hash, expires, wrong_tries, void) VALUES (?, ?, ?, ?, ?, ?, ?)',
  forgetInvitations: 'DELETE FROM invitations WHERE expires < ?',
  feedSums: `SELECT COALESCE(SUM(bytes), 0) AS bytes, COALESCE(SUM(kind <> ${erased}), 0) AS docs, COALESCE(SUM(kind = ${erased}), 0) AS tombstones,
    COALESCE(SUM(tail), 0) AS tail_updates FROM docs WHERE feed = ?`,
  dropTails: 'DELETE FROM tails WHERE feed = ?',
  dropStates: 'DELETE FROM states WHERE doc IN (SELECT id FROM docs WHERE feed = ?)',
  dropDocs: 'DELETE FROM docs WHERE feed = ?',
  dropOpenings: 'DELETE FROM feed_openings WHERE feed = ?',
  dropFeed: 'DELETE FROM feeds WHERE id = ?',
} as const

type Statements = Readonly<Record<keyof typeof statements, Statement>>

/** A feed that a batch writes; `id` is 0 as long as it is not in the store. */
interface WrittenFeed {
  id: number
  owner: OrgId
  readonly before: number
  head: number
  readonly opening: number
  readonly growth: Growth
}

/** What the embedded store writes, each to be run inside the one open transaction. */
export class LibsqlWrites {
  readonly #statements: Statements
  readonly #opening: Opening

  private constructor(prepared: Statements, opening: Opening) {
    this.#statements = prepared
    this.#opening = opening
  }

  static async prepare(writer: Writer, opening: Opening): Promise<LibsqlWrites> {
    const entries = Object.entries(statements).map(async ([name, sql]) => [name, await writer.prepare(sql)] as const)
    return new LibsqlWrites(Object.fromEntries(await Promise.all(entries)) as Statements, opening)
  }

  get begin(): Statement {
    return this.#statements.begin
  }

  append(writes: readonly Write[]): Commit {
    const feeds = new Map<FeedName, WrittenFeed>()
    const given = new Given(this.#statements.lastOf)
    const sequences: number[] = []
    const tails: number[] = []
    for (const write of writes) {
      let feed = feeds.get(write.feed)
      if (!feed) {
        feed = this.#findFeed(write)
        feeds.set(write.feed, feed)
      }
      const tail = this.#appendOne(feed, write, given)
      tails.push(tail ?? 0)
      sequences.push(tail === undefined ? 0 : feed.head)
      if (tail !== undefined) given.wrote(write)
    }
    for (const feed of feeds.values()) this.#setHead(feed)
    return { opening: this.#opening.id, sequences, tails, accounts: this.#grow([...feeds.values()]) }
  }

  #findFeed({ feed, owner }: Write): WrittenFeed {
    const row = this.#statements.feed.get([feed])
    if (!row) return { id: 0, owner, before: 0, head: 0, opening: 0, growth: noGrowth() }
    const head = toNumber(row['head'])
    const present = { id: toNumber(row['id']), owner: parseOrgId(toText(row['owner'])), opening: toNumber(row['opening']) }
    return { ...present, before: head, head, growth: noGrowth() }
  }

  #setHead({ id, before, head, opening }: WrittenFeed): void {
    if (head === before) return
    const { n } = this.#opening
    if (opening !== n) this.#statements.openFeed.run([id, n, before])
    this.#statements.setHead.run([head, n, id])
  }

  #grow(feeds: readonly WrittenFeed[]): readonly Account[] {
    const orgs = new Map<OrgId, Growth>()
    for (const { owner, growth, before, head } of feeds) {
      if (head === before) continue
      const whole = orgs.get(owner)
      if (whole) addTo(whole, growth)
      else orgs.set(owner, growth)
    }
    return [...orgs].map(([org, growth]) => toAccount(this.#statements.growOrg.get(growthCells(org, growth))))
  }

  /** @returns the length of the key's tail afterwards, or undefined where the write comes too late */
  #appendOne(feed: WrittenFeed, write: Write, given: Given): number | undefined {
    const run = this.#statements
    if (write.given.length > 0 && !given.holds(write.given)) return undefined
    if (write.kind === 'doc' && !write.whole) return this.#extend(feed, write)
    const row = feed.id === 0 ? undefined : run.doc.get([feed.id, write.key])
    if ((row ? toNumber(row['sequence']) : 0) !== write.seen) return undefined
    if (feed.id === 0) feed.id = toNumber(run.addFeed.get([write.feed, feed.owner])?.['id'])
    const sequence = ++feed.head
    const kind = entryKinds.indexOf(write.kind)
    const { version, number } = write.epoch
    const { length } = write.bytes
    const vector = encodeStateVector(write.vector)
    if (write.connects) feed.growth.connections++
    countNew(feed.growth, write.kind, length)
    if (!row) {
      const id = toNumber(run.addDoc.get([feed.id, write.key, kind, version, number, sequence, sequence, length, vector])?.['id'])
      run.setState.run([id, write.bytes])
      return 0
    }
    const id = toNumber(row['id'])
    countReplaced(feed.growth, run.replaced.get([id]))
    if (toNumber(row['tail']) > 0) run.dropTail.run([id, sequence])
    run.replaceDoc.run([kind, version, number, sequence, sequence, length, vector, id])
    run.setState.run([id, write.bytes])
    return 0
  }

  /** The way of most writes, so in as few statements as can be: compare and set, and file the update. */
  #extend(feed: WrittenFeed, { key, seen, bytes, vector }: Write): number | undefined {
    const sequence = feed.head + 1
    const row = this.#statements.extendDoc.get([sequence, bytes.length, encodeStateVector(vector), feed.id, key, seen])
    if (!row) return undefined
    this.#statements.addTail.run([feed.id, sequence, toNumber(row['id']), bytes])
    feed.head = sequence
    feed.growth.bytes += bytes.length
    feed.growth.tailUpdates++
    return toNumber(row['tail'])
  }

  compact(name: KeyName, from: StoredDoc, merged: Uint8Array): boolean {
    const run = this.#statements
    const feed = run.feed.get([name.feed])
    const row = feed && run.doc.get([toNumber(feed['id']), name.key])
    if (!row) return false
    const id = toNumber(row['id'])
    if (toNumber(run.replaced.get([id])?.['merged']) !== from.merged) return false
    const grown = merged.length - from.states.reduce((sum, state) => sum + state.length, 0)
    const updates = from.states.length - 1
    run.dropTail.run([id, from.sequence])
    run.setState.run([id, merged])
    run.mergeDoc.run([from.sequence, updates, grown, id])
    run.growOrg.get(growthCells(toText(feed['owner']), { ...noGrowth(), bytes: grown, tailUpdates: -updates }))
    return true
  }

  changeAccount(org: OrgId, change: Pick<Account, 'standing' | 'quota'>): void {
    this.#statements.decideOrg.run(decisionCells(org, change))
    this.#statements.revise.run([])
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
    const run = this.#statements
    const row = run.feed.get([name])
    if (!row) return
    const id = toNumber(row['id'])
    const sums = run.feedSums.get([id])
    const growth = {
      bytes: -toNumber(sums?.['bytes']),
      docs: -toNumber(sums?.['docs']),
      connections: 0,
      tombstones: -toNumber(sums?.['tombstones']),
      tailUpdates: -toNumber(sums?.['tail_updates']),
    }
    run.growOrg.get(growthCells(toText(row['owner']), growth))
    for (const statement of ['dropTails', 'dropStates', 'dropDocs', 'dropOpenings', 'dropFeed'] as const) run[statement].run([id])
  }

  forgetInvitations(expiredBefore: number): void {
    this.#statements.forgetInvitations.run([expiredBefore])
  }

  tryWriting(): void {
    this.#statements.tryWriting.run([])
  }
}

/** Whether what writes were judged by still stands: asked of the store once per list, and again when the batch itself has written such a key. */
class Given {
  readonly #lastOf: Statement
  readonly #answers = new Map<readonly KeyPosition[], boolean>()
  readonly #keys = new Map<FeedName, Set<Key>>()

  constructor(lastOf: Statement) {
    this.#lastOf = lastOf
  }

  holds(given: readonly KeyPosition[]): boolean {
    const known = this.#answers.get(given)
    if (known !== undefined) return known
    const answer = given.every(({ feed, key, sequence }) => toNumber(this.#lastOf.get([feed, key])?.['sequence'] ?? 0) === sequence)
    this.#answers.set(given, answer)
    for (const { feed, key } of given) this.#keys.set(feed, (this.#keys.get(feed) ?? new Set()).add(key))
    return answer
  }

  wrote({ feed, key }: KeyName): void {
    if (this.#keys.get(feed)?.has(key)) this.#answers.clear()
  }
}

function countNew(growth: Growth, kind: EntryKind, length: number): void {
  growth.bytes += length
  if (kind === 'erased') growth.tombstones++
  else growth.docs++
}

function countReplaced(growth: Growth, row: Row | undefined): void {
  growth.bytes -= toNumber(row?.['bytes'])
  growth.tailUpdates -= toNumber(row?.['tail'])
  if (toNumber(row?.['kind']) === erased) growth.tombstones--
  else growth.docs--
}

function addTo(sum: Growth, growth: Growth): void {
  sum.bytes += growth.bytes
  sum.docs += growth.docs
  sum.connections += growth.connections
  sum.tombstones += growth.tombstones
  sum.tailUpdates += growth.tailUpdates
}
