import {
  encodeEntryHead,
  encodeStateVector,
  entryKinds,
  type FeedName,
  type Key,
  type OrgId,
  parseOrgId,
  type Roster,
  vectorOfDoc,
} from '@entente/protocol'
import { LruMap } from '../../flow/lru.js'
import { type Account, type AccountChange, sizeOf } from '../account.js'
import { type Cell, type Statement, toNumber, toText, type WriteConnection } from './connection.js'
import { decideOrg, decisionCells, type Growth, growOrg, growthCells, noGrowth, toAccount } from './accounts.js'
import type { Incarnation } from './file.js'
import { toInvitation } from './reads.js'
import type { Commit, Invitation, KeyName, KeyPosition, StoredDoc, Write } from '../store.js'

const erased = entryKinds.indexOf('erased')

/** Updates inserted by one statement: the call costs more than the insert. What is left over goes by eights, and then one by one. */
const tailsAtOnce = 64
const tailsOfSome = 8
const tailCells = 5

function addTails(count: number): string {
  return `INSERT INTO tails (feed, sequence, doc, head, bytes) VALUES ${Array.from({ length: count }, () => '(?, ?, ?, ?, ?)').join(', ')}`
}

const statements = {
  begin: 'BEGIN IMMEDIATE',
  tryWriting: 'UPDATE settings SET tried = tried + 1',
  feed: 'SELECT id, owner, head, incarnation FROM feeds WHERE name = ?',
  addFeed: 'INSERT INTO feeds (name, owner, head, incarnation) VALUES (?, ?, 0, 0) RETURNING id',
  setHead: 'UPDATE feeds SET head = ?, incarnation = ? WHERE id = ?',
  noteIncarnation: 'INSERT INTO feed_incarnations (feed, n, head) VALUES (?, ?, ?)',
  doc: 'SELECT id, kind, merged, bytes FROM docs WHERE feed = ? AND key = ?',
  tailOf: 'SELECT COUNT(*) AS updates, MAX(sequence) AS sequence, COALESCE(SUM(LENGTH(bytes)), 0) AS bytes FROM tails WHERE doc = ?',
  lastOf:
    'SELECT COALESCE((SELECT MAX(sequence) FROM tails WHERE doc = d.id), d.merged) AS sequence FROM docs d JOIN feeds f ON f.id = d.feed WHERE f.name = ? AND d.key = ?',
  addDoc: 'INSERT INTO docs (feed, key, kind, version, number, merged, bytes, vector) VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id',
  replaceDoc: 'UPDATE docs SET kind = ?, version = ?, number = ?, merged = ?, bytes = ?, vector = ? WHERE id = ?',
  mergeDoc: 'UPDATE docs SET merged = ?, bytes = ?, vector = ? WHERE id = ?',
  setState: 'INSERT INTO states (doc, bytes) VALUES (?, ?) ON CONFLICT (doc) DO UPDATE SET bytes = excluded.bytes',
  addTail: addTails(1),
  addSomeTails: addTails(tailsOfSome),
  addTails: addTails(tailsAtOnce),
  dropTail: 'DELETE FROM tails WHERE doc = ? AND sequence <= ?',
  growOrg,
  decideOrg,
  keepRoster: `INSERT INTO rosters (org, number, token) VALUES (?, ?, ?)
    ON CONFLICT (org) DO UPDATE SET number = excluded.number, token = excluded.token WHERE excluded.number > number`,
  revise: 'UPDATE settings SET revision = revision + 1',
  invitation: 'SELECT * FROM invitations WHERE mailbox = ?',
  setInvitation:
    'INSERT OR REPLACE INTO invitations (mailbox, vendor, partner, claim_hash, expires, wrong_tries, void) VALUES (?, ?, ?, ?, ?, ?, ?)',
  invitationsOf: 'SELECT COUNT(*) AS kept FROM (SELECT 1 FROM invitations WHERE vendor = ? LIMIT ?)',
  forgetInvitations: 'DELETE FROM invitations WHERE expires < ?',
  feedSums: `SELECT COALESCE(SUM(bytes), 0) AS bytes, COALESCE(SUM(docs), 0) AS docs, COALESCE(SUM(tombstones), 0) AS tombstones,
    COALESCE(SUM(tails), 0) AS tail_updates FROM (
      SELECT bytes, kind <> ${erased} AS docs, kind = ${erased} AS tombstones, 0 AS tails FROM docs WHERE feed = ?1
      UNION ALL SELECT LENGTH(bytes), 0, 0, 1 FROM tails WHERE feed = ?1)`,
  dropTails: 'DELETE FROM tails WHERE feed = ?',
  dropStates: 'DELETE FROM states WHERE doc IN (SELECT id FROM docs WHERE feed = ?)',
  dropDocs: 'DELETE FROM docs WHERE feed = ?',
  dropIncarnations: 'DELETE FROM feed_incarnations WHERE feed = ?',
  dropFeed: 'DELETE FROM feeds WHERE id = ?',
} as const

/** Capacity of the cache of last entries, in keys: an update of a cached key costs a single statement. */
const keptKeys = 8_192

/** The last entry of a key. This process is the only one that writes feeds, so it is exact. */
interface Last {
  readonly id: number
  kind: number
  merged: number
  sequence: number
  /** The bytes of state and tail. */
  bytes: number
  updates: number
}

type Statements = Readonly<Record<keyof typeof statements, Statement>>

/** A feed in a batch; `id` is 0 until it is in the store. */
interface WrittenFeed {
  id: number
  owner: OrgId
  readonly before: number
  head: number
  readonly incarnation: number
  readonly growth: Growth
}

/** The writes of the embedded store, each to be run inside the one open transaction. */
export class LibsqlWrites {
  readonly #statements: Statements
  readonly #incarnation: Incarnation
  /** Updates of the batch that are not inserted yet, `tailCells` each. */
  #tails: Cell[] = []
  readonly #lasts = new LruMap<string, Last>(keptKeys)

  private constructor(prepared: Statements, incarnation: Incarnation) {
    this.#statements = prepared
    this.#incarnation = incarnation
  }

  static async prepare(writer: WriteConnection, incarnation: Incarnation): Promise<LibsqlWrites> {
    const entries = Object.entries(statements).map(async ([name, sql]) => [name, await writer.prepare(sql)] as const)
    return new LibsqlWrites(Object.fromEntries(await Promise.all(entries)) as Statements, incarnation)
  }

  get begin(): Statement {
    return this.#statements.begin
  }

  /** Clears the caches after a rollback. */
  forget(): void {
    this.#lasts.clear()
    this.#tails = []
  }

  append(writes: readonly Write[]): Commit {
    const feeds = new Map<FeedName, WrittenFeed>()
    const given = new JudgedPositions(this.#statements.lastOf)
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
    this.#fileTails()
    for (const feed of feeds.values()) this.#setHead(feed)
    return { incarnation: this.#incarnation.id, sequences, tails, accounts: this.#grow([...feeds.values()]) }
  }

  #findFeed({ feed, owner }: Write): WrittenFeed {
    const row = this.#statements.feed.get([feed])
    if (!row) return { id: 0, owner, before: 0, head: 0, incarnation: 0, growth: noGrowth() }
    const head = toNumber(row['head'])
    const present = { id: toNumber(row['id']), owner: parseOrgId(toText(row['owner'])), incarnation: toNumber(row['incarnation']) }
    return { ...present, before: head, head, growth: noGrowth() }
  }

  #setHead({ id, before, head, incarnation }: WrittenFeed): void {
    if (head === before) return
    const { n } = this.#incarnation
    if (incarnation !== n) this.#statements.noteIncarnation.run([id, n, before])
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

  /** @returns the length of the key's tail afterwards, or undefined if the write lost its compare and set */
  #appendOne(feed: WrittenFeed, write: Write, given: JudgedPositions): number | undefined {
    const last = feed.id === 0 ? undefined : this.#last(feed.id, write.key)
    if ((last?.sequence ?? 0) !== write.seen) return undefined
    if (write.follows !== undefined && write.follows !== feed.head) return undefined
    if (write.given.length > 0 && !given.holds(write.given)) return undefined
    if (feed.id === 0) feed.id = toNumber(this.#statements.addFeed.get([write.feed, feed.owner])?.['id'])
    const sequence = ++feed.head
    feed.growth.connections += write.connects
    if (last && write.kind === 'doc' && !write.whole) return this.#extend(feed, last, write)
    countNew(feed.growth, write)
    if (last) this.#replace(feed, last, write)
    else this.#add(feed, sequence, write)
    return 0
  }

  #extend({ id, head, growth }: WrittenFeed, last: Last, write: Write): number {
    const { key, kind, whole, epoch, bytes } = write
    // Field by field: spreading a write costs as much as inserting it.
    const wireHead = encodeEntryHead({ sequence: head, key, kind, whole, epoch }, bytes.length)
    if (this.#tails.push(id, head, last.id, wireHead, bytes) === tailsAtOnce * tailCells) this.#fileTails()
    growth.bytes += bytes.length
    growth.tailUpdates++
    last.sequence = head
    last.bytes += bytes.length
    return ++last.updates
  }

  /** Inserts the gathered updates. */
  #fileTails(): void {
    const cells = this.#tails
    if (cells.length === 0) return
    this.#tails = []
    const { addTail, addSomeTails, addTails } = this.#statements
    if (cells.length === tailsAtOnce * tailCells) return void addTails.run(cells)
    for (let at = 0; at < cells.length;) {
      const some = cells.length - at >= tailsOfSome * tailCells
      const end = at + (some ? tailsOfSome : 1) * tailCells
      ;(some ? addSomeTails : addTail).run(cells.slice(at, end))
      at = end
    }
  }

  #replace({ head, growth }: WrittenFeed, last: Last, write: Write): void {
    const { kind, epoch, bytes, vector } = write
    growth.bytes -= last.bytes
    growth.tailUpdates -= last.updates
    if (last.kind === erased) growth.tombstones--
    else growth.docs--
    const next = { kind: entryKinds.indexOf(kind), merged: head, sequence: head, bytes: sizeOf(write), updates: 0 }
    const run = this.#statements
    this.#fileTails()
    if (last.updates > 0) run.dropTail.run([last.id, head])
    run.replaceDoc.run([next.kind, epoch.version, epoch.number, head, next.bytes, encodeStateVector(vector), last.id])
    run.setState.run([last.id, bytes])
    Object.assign(last, next)
  }

  #add(feed: WrittenFeed, sequence: number, write: Write): void {
    const { key, kind: name, epoch, bytes, vector } = write
    const [kind, size] = [entryKinds.indexOf(name), sizeOf(write)]
    const cells = [feed.id, key, kind, epoch.version, epoch.number, sequence, size, encodeStateVector(vector)]
    const id = toNumber(this.#statements.addDoc.get(cells)?.['id'])
    this.#statements.setState.run([id, bytes])
    this.#lasts.set(lastId(feed.id, key), { id, kind, merged: sequence, sequence, bytes: size, updates: 0 })
  }

  #last(feed: number, key: Key): Last | undefined {
    const known = this.#lasts.get(lastId(feed, key))
    if (known) return known
    // The key may have updates in this batch that were evicted from the cache.
    this.#fileTails()
    const row = this.#statements.doc.get([feed, key])
    if (!row) return undefined
    const [id, merged] = [toNumber(row['id']), toNumber(row['merged'])]
    const tail = this.#statements.tailOf.get([id])
    const last = {
      id,
      kind: toNumber(row['kind']),
      merged,
      sequence: toNumber(tail?.['sequence'] ?? merged),
      bytes: toNumber(row['bytes']) + toNumber(tail?.['bytes']),
      updates: toNumber(tail?.['updates']),
    }
    this.#lasts.set(lastId(feed, key), last)
    return last
  }

  compact(name: KeyName, from: StoredDoc, merged: Uint8Array): boolean {
    const run = this.#statements
    const feed = run.feed.get([name.feed])
    const id = feed && toNumber(feed['id'])
    const last = id === undefined ? undefined : this.#last(id, name.key)
    if (!feed || id === undefined || !last || last.merged !== from.merged) return false
    const grown = merged.length - from.states.reduce((sum, state) => sum + state.length, 0)
    const updates = from.states.length - 1
    run.mergeDoc.run([from.sequence, merged.length, encodeStateVector(vectorOfDoc(merged)), last.id])
    run.dropTail.run([last.id, from.sequence])
    run.setState.run([last.id, merged])
    run.growOrg.get(growthCells(toText(feed['owner']), { ...noGrowth(), bytes: grown, tailUpdates: -updates }))
    last.merged = from.sequence
    last.bytes += grown
    last.updates -= updates
    return true
  }

  changeAccount(org: OrgId, change: AccountChange): boolean {
    const isChanged = this.#statements.decideOrg.run(decisionCells(org, change)) > 0
    if (isChanged) this.#statements.revise.run([])
    return isChanged
  }

  /** @returns whether it is kept now */
  keepRoster({ org, number, token }: Pick<Roster, 'org' | 'number' | 'token'>): boolean {
    return this.#statements.keepRoster.run([org, number, token]) > 0
  }

  changeInvitation(mailbox: string, change: (present: Invitation | undefined) => Invitation | undefined): Invitation | undefined {
    const present = toInvitation(this.#statements.invitation.get([mailbox]))
    const next = change(present)
    if (!next) return present
    const { vendor, partner, claimHash, expires, wrongTries, isVoid } = next
    this.#statements.setInvitation.run([mailbox, vendor, partner ?? null, claimHash, expires, wrongTries, isVoid ? 1 : 0])
    return next
  }

  addInvitation(invitation: Invitation, most: number): Invitation | undefined {
    return this.changeInvitation(invitation.mailbox, (present) => {
      if (present) return undefined
      return toNumber(this.#statements.invitationsOf.get([invitation.vendor, most])?.['kept']) < most ? invitation : undefined
    })
  }

  dropFeed(name: FeedName): void {
    const run = this.#statements
    const row = run.feed.get([name])
    if (!row) return
    const id = toNumber(row['id'])
    const sums = run.feedSums.get([id])
    this.#lasts.clear()
    const growth = {
      bytes: -toNumber(sums?.['bytes']),
      docs: -toNumber(sums?.['docs']),
      connections: 0,
      tombstones: -toNumber(sums?.['tombstones']),
      tailUpdates: -toNumber(sums?.['tail_updates']),
    }
    run.growOrg.get(growthCells(toText(row['owner']), growth))
    for (const statement of ['dropTails', 'dropStates', 'dropDocs', 'dropIncarnations', 'dropFeed'] as const) run[statement].run([id])
  }

  forgetInvitations(expiredBefore: number): void {
    this.#statements.forgetInvitations.run([expiredBefore])
  }

  tryWriting(): void {
    this.#statements.tryWriting.run([])
  }
}

/** Whether the entries by which writes were judged are still the last. It asks the store once per list, and again when the batch itself wrote such a key. */
class JudgedPositions {
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

function countNew(growth: Growth, write: Write): void {
  growth.bytes += sizeOf(write)
  if (write.kind === 'erased') growth.tombstones++
  else growth.docs++
}

function lastId(feed: number, key: Key): string {
  return `${feed} ${key}`
}

function addTo(sum: Growth, growth: Growth): void {
  sum.bytes += growth.bytes
  sum.docs += growth.docs
  sum.connections += growth.connections
  sum.tombstones += growth.tombstones
  sum.tailUpdates += growth.tailUpdates
}
