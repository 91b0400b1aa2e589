import {
  admitUpdate,
  decodeStateVector,
  emptyVector,
  type EntryKind,
  entryKinds,
  type FeedName,
  type OrgId,
  parseOrgId,
  type StateVector,
} from '@entente/protocol'
import type { Account, Usage } from '../account.js'
import { type ReadConnection, type ReadStatement, type SqliteRow, toBytes, toNumber, toText } from './connection.js'
import { fullestOrgs, newAccount, toAccount, toStanding } from './accounts.js'
import { kindOf, prepareWalks, StateWalk, TailWalk, type Walks } from './walk.js'
import {
  type Invitation,
  type KeyName,
  type KeyState,
  lengthOnWire,
  type Page,
  type PageBounds,
  type PageEntry,
  type StandingAndRoster,
  type StoredDoc,
  type StoreStats,
} from '../store.js'

/** The reads of the embedded store, all on the reading connection. */
export class LibsqlReads {
  readonly #incarnation: number
  readonly #end: ReadStatement
  readonly #feed: ReadStatement
  readonly #doc: ReadStatement
  readonly #controlEntry: ReadStatement
  readonly #state: ReadStatement
  readonly #tail: ReadStatement
  readonly #walks: Walks
  readonly #invitation: ReadStatement
  readonly #ended: ReadStatement
  readonly #standing: ReadStatement
  readonly #roster: ReadStatement
  readonly #account: ReadStatement
  readonly #accounts: ReadStatement
  readonly #fullest: ReadStatement
  readonly #settings: ReadStatement
  readonly #counts: ReadStatement

  constructor(reader: ReadConnection, incarnation: number) {
    this.#incarnation = incarnation
    this.#end = reader.prepare(
      `SELECT COALESCE((SELECT fi.head FROM feed_incarnations fi WHERE fi.feed = f.id AND fi.n > i.n ORDER BY fi.n LIMIT 1), f.head, 0) AS ended,
        COALESCE(f.head, 0) AS head FROM incarnations i LEFT JOIN feeds f ON f.name = ? WHERE i.id = ?`,
    )
    this.#feed = reader.prepare('SELECT id, head FROM feeds WHERE name = ?')
    this.#doc = reader.prepare('SELECT d.* FROM docs d JOIN feeds f ON f.id = d.feed WHERE f.name = ? AND d.key = ?')
    this.#controlEntry = reader.prepare(
      `SELECT d.merged, s.bytes FROM feeds f JOIN docs d ON d.feed = f.id JOIN states s ON s.doc = d.id
        WHERE f.name = ? AND d.key = ? AND d.kind = ${entryKinds.indexOf('control')}`,
    )
    this.#state = reader.prepare('SELECT bytes FROM states WHERE doc = ?')
    this.#tail = reader.prepare('SELECT sequence, bytes FROM tails WHERE doc = ? ORDER BY sequence')
    this.#walks = prepareWalks(reader)
    this.#invitation = reader.prepare('SELECT * FROM invitations WHERE mailbox = ?')
    this.#ended = reader.prepare(
      "SELECT mailbox FROM invitations i WHERE (expires < ? OR void = 1) AND EXISTS (SELECT 1 FROM feeds f WHERE f.name IN ('mailbox/' || i.mailbox || '/vendor', 'mailbox/' || i.mailbox || '/partner'))",
    )
    this.#standing = reader.prepare(
      'SELECT (SELECT standing FROM orgs WHERE org = ?1) AS standing, COALESCE((SELECT number FROM rosters WHERE org = ?1), 0) AS roster',
    )
    this.#roster = reader.prepare('SELECT token FROM rosters WHERE org = ?')
    this.#account = reader.prepare('SELECT * FROM orgs WHERE org = ?')
    this.#accounts = reader.prepare('SELECT * FROM orgs WHERE org > ? ORDER BY org LIMIT ?')
    this.#fullest = reader.prepare(fullestOrgs)
    this.#settings = reader.prepare('SELECT revision, secret FROM settings')
    // The sums of the accounts, so that no row per key is read.
    this.#counts = reader.prepare(
      `SELECT COUNT(*) AS orgs, COALESCE(SUM(docs), 0) AS docs, COALESCE(SUM(tombstones), 0) AS tombstones,
        COALESCE(SUM(tail_updates), 0) AS tail_updates, (SELECT COUNT(*) FROM feeds) AS feeds, (SELECT COUNT(*) FROM invitations) AS invitations,
        (SELECT COUNT(*) FROM incarnations) AS incarnations FROM orgs`,
    )
  }

  headSince(feed: FeedName, incarnation: number, position: number): number | undefined {
    const row = this.#end.get([feed, incarnation])
    return row && position <= toNumber(row['ended']) ? toNumber(row['head']) : undefined
  }

  keyState(name: KeyName): KeyState | undefined {
    const row = this.#doc.get([name.feed, name.key])
    if (!row) return undefined
    const kind = toKind(row)
    const epoch = { version: toNumber(row['version']), number: toNumber(row['number']) }
    const [sequence, bytes] = [toNumber(row['merged']), toNumber(row['bytes'])]
    if (kind !== 'doc') return { sequence, kind, epoch, vector: emptyVector, bytes }
    const tail = this.#tail.all([toNumber(row['id'])])
    const updates = tail.map((update) => toBytes(update['bytes']))
    return {
      sequence: toNumber(tail.at(-1)?.['sequence'] ?? sequence),
      kind,
      epoch,
      vector: vectorAfter(decodeStateVector(toBytes(row['vector'])), updates),
      bytes: updates.reduce((sum, update) => sum + update.length, bytes),
    }
  }

  controlEntry(name: KeyName): { readonly bytes: Uint8Array; readonly sequence: number } | undefined {
    const row = this.#controlEntry.get([name.feed, name.key])
    return row && { bytes: toBytes(row['bytes']), sequence: toNumber(row['merged']) }
  }

  doc(name: KeyName): StoredDoc | undefined {
    const row = this.#doc.get([name.feed, name.key])
    if (!row || toKind(row) !== 'doc') return undefined
    const id = toNumber(row['id'])
    const tail = this.#tail.all([id])
    return {
      epoch: { version: toNumber(row['version']), number: toNumber(row['number']) },
      sequence: toNumber(tail.at(-1)?.['sequence'] ?? row['merged']),
      merged: toNumber(row['merged']),
      states: [this.#state.get([id]), ...tail].map((state) => toBytes(state?.['bytes'])),
    }
  }

  /** Merges two walks, along the merged states and along the tails, by sequence. */
  page(name: FeedName, after: number, bounds: PageBounds): Page {
    const incarnation = this.#incarnation
    const feed = this.#feed.get([name])
    if (!feed) return { entries: [], head: 0, incarnation, done: true }
    const head = toNumber(feed['head'])
    if (after >= head) return { entries: [], head, incarnation, done: true }
    const [id, wanted] = [toNumber(feed['id']), bounds.entries + 1]
    const merged = new StateWalk(this.#walks.states, id, after, wanted)
    const tails = new TailWalk(this.#walks.tails, id, after, wanted)
    const entries: PageEntry[] = []
    let bytes = 0
    for (;;) {
      const entry = (merged.sequence() < tails.sequence() ? merged : tails).take()
      if (!entry) return { entries, head, incarnation, done: true }
      bytes += lengthOnWire(entry)
      if (entries.length > 0 && (entries.length >= bounds.entries || bytes > bounds.bytes))
        return { entries, head, incarnation, done: false }
      entries.push(entry)
    }
  }

  invitation(mailbox: string): Invitation | undefined {
    return toInvitation(this.#invitation.get([mailbox]))
  }

  endedInvitations(before: number): readonly string[] {
    return this.#ended.all([before]).map((row) => toText(row['mailbox']))
  }

  standing(org: OrgId): StandingAndRoster {
    const row = this.#standing.get([org])
    const standing = row?.['standing'] ?? null
    return { standing: standing === null ? 'none' : toStanding(standing), roster: toNumber(row?.['roster']) }
  }

  roster(org: OrgId): string | undefined {
    const row = this.#roster.get([org])
    return row && toText(row['token'])
  }

  account(org: OrgId): Account {
    const row = this.#account.get([org])
    return row ? toAccount(row) : newAccount(org)
  }

  accounts(after: string, limit: number): readonly Account[] {
    return this.#accounts.all([after, limit]).map(toAccount)
  }

  fullestAccounts({ bytes, docs, connections }: Usage, limit: number): readonly Account[] {
    return this.#fullest.all([bytes, docs, connections, limit]).map(toAccount)
  }

  /** Counts up with every decision about an account. */
  revision(): number {
    return toNumber(this.#settings.get([])?.['revision'])
  }

  secret(): Uint8Array {
    return toBytes(this.#settings.get([])?.['secret'])
  }

  counts(): Omit<StoreStats, 'diskBytes'> {
    const row = this.#counts.get([]) ?? {}
    const [orgs, feeds, docs] = [toNumber(row['orgs']), toNumber(row['feeds']), toNumber(row['docs'])]
    const [tombstones, tailUpdates] = [toNumber(row['tombstones']), toNumber(row['tail_updates'])]
    return {
      orgs,
      feeds,
      docs,
      tombstones,
      tailUpdates,
      invitations: toNumber(row['invitations']),
      incarnations: toNumber(row['incarnations']),
    }
  }
}

/** The vector of a doc after admitted updates. @throws ProtocolError when they do not follow */
export function vectorAfter(vector: StateVector, updates: readonly Uint8Array[]): StateVector {
  return updates.reduce((known, update) => admitUpdate(update, known, undefined).vector, vector)
}

function toKind(row: SqliteRow): EntryKind {
  return kindOf(toNumber(row['kind']))
}

export function toInvitation(row: SqliteRow | undefined): Invitation | undefined {
  if (!row) return undefined
  const partner: OrgId | undefined = row['partner'] === null ? undefined : parseOrgId(toText(row['partner']))
  return {
    mailbox: toText(row['mailbox']),
    vendor: parseOrgId(toText(row['vendor'])),
    partner,
    claimHash: toBytes(row['claim_hash']),
    expires: toNumber(row['expires']),
    wrongTries: toNumber(row['wrong_tries']),
    isVoid: toNumber(row['void']) === 1,
  }
}
