import {
  decodeStateVector,
  emptyVector,
  type Entry,
  entryKinds,
  type EntryKind,
  type FeedName,
  parseKey,
  parseOrgId,
} from '@entente/protocol'
import { type Account, type QuotaOverrides, type Standing, standings } from '../account.js'
import { bytesOf, flagOf, numberOf, type PostgresRow, textOf } from './connection.js'
import { entryOverhead, type Invitation, type KeyState, type Page, type PageBounds, type StoredDoc } from '../store.js'

/**
 * The statements that read, each a snapshot of its own. Every row is looked up by a key in a subquery of its own, which OFFSET 0 keeps apart. The planner could
 * turn a join round while the tables are small, and that plan would read a whole feed for each row once they are large.
 */
export const reads = {
  headSince: {
    name: 'head-since',
    text: `SELECT coalesce(
        (SELECT p.head FROM entente.feed_incarnations p WHERE p.feed = f.id AND p.n > i.n ORDER BY p.n LIMIT 1), f.head, 0) AS ended,
        coalesce(f.head, 0) AS head, (SELECT id FROM entente.incarnations ORDER BY n DESC LIMIT 1) AS incarnation
      FROM entente.incarnations i LEFT JOIN LATERAL (SELECT id, head FROM entente.feeds WHERE name = $1 OFFSET 0) f ON true WHERE i.id = $2`,
  },
  keyStates: {
    name: 'key-states',
    text: `SELECT u.i, d.sequence, d.kind, d.version, d.number, d.bytes, d.vector
      FROM unnest($1::text[], $2::text[]) WITH ORDINALITY u(feed, key, i)
      CROSS JOIN LATERAL (SELECT id FROM entente.feeds WHERE name = u.feed OFFSET 0) f
      CROSS JOIN LATERAL (SELECT * FROM entente.docs WHERE feed = f.id AND key = u.key OFFSET 0) d`,
  },
  controlEntry: {
    name: 'control',
    text: `SELECT d.sequence, s.bytes FROM (SELECT id FROM entente.feeds WHERE name = $1 OFFSET 0) f
      CROSS JOIN LATERAL (SELECT sequence, kind FROM entente.docs WHERE feed = f.id AND key = $2 OFFSET 0) d
      CROSS JOIN LATERAL (SELECT bytes FROM entente.states WHERE feed = f.id AND key = $2 OFFSET 0) s
      WHERE d.kind = 2`,
  },
  doc: {
    name: 'doc',
    text: `SELECT d.version, d.number, d.sequence, d.merged, x.bytes FROM (SELECT id FROM entente.feeds WHERE name = $1 OFFSET 0) f
      CROSS JOIN LATERAL (SELECT * FROM entente.docs WHERE feed = f.id AND key = $2 OFFSET 0) d
      CROSS JOIN LATERAL (
        SELECT 0 AS sequence, s.bytes FROM entente.states s WHERE s.feed = f.id AND s.key = $2
        UNION ALL
        SELECT u.sequence, t.bytes FROM unnest(d.tails) u(sequence)
        CROSS JOIN LATERAL (SELECT bytes FROM entente.tails WHERE feed = f.id AND sequence = u.sequence OFFSET 0) t
      ) x WHERE d.kind = 0 ORDER BY x.sequence`,
  },
  // Two walks along indexes, merged by sequence and cut at the bounds; bytes beyond are not read. $3 is the most that can fit. The inner limits and
  // offsets hold the planner to these walks.
  page: {
    name: 'page',
    text: `SELECT coalesce(f.head, 0) AS head, i.id AS incarnation, e.sequence, e.key, e.kind, e.version, e.number, e.whole, e.bytes
      FROM (SELECT id FROM entente.incarnations ORDER BY n DESC LIMIT 1) i LEFT JOIN entente.feeds f ON f.name = $1
      LEFT JOIN LATERAL (
        SELECT x.*, sum(octet_length(x.bytes) + ${entryOverhead}) OVER w AS upto, row_number() OVER w AS nth FROM (
          (SELECT d.merged AS sequence, d.key, d.kind, d.version, d.number, true AS whole, s.bytes
            FROM (SELECT * FROM entente.docs WHERE feed = f.id AND merged > $2 AND merged > 0 ORDER BY merged LIMIT $3) d
            CROSS JOIN LATERAL (SELECT bytes FROM entente.states s WHERE s.feed = d.feed AND s.key = d.key OFFSET 0) s)
          UNION ALL
          (SELECT t.sequence, t.key, d.kind, d.version, d.number, false AS whole, t.bytes
            FROM (SELECT * FROM entente.tails WHERE feed = f.id AND sequence > $2 ORDER BY sequence LIMIT $3) t
            CROSS JOIN LATERAL (SELECT kind, version, number FROM entente.docs d WHERE d.feed = t.feed AND d.key = t.key OFFSET 0) d)
          ORDER BY sequence LIMIT $3
        ) x WINDOW w AS (ORDER BY x.sequence ROWS UNBOUNDED PRECEDING)
      ) e ON e.nth = 1 OR e.upto <= $4
      ORDER BY e.sequence`,
  },
  invitation: { name: 'invitation', text: 'SELECT * FROM entente.invitations WHERE mailbox = $1' },
  ended: {
    name: 'ended',
    text: `SELECT mailbox FROM entente.invitations i WHERE (expires < $1 OR void) AND EXISTS (
      SELECT FROM entente.feeds f WHERE f.name IN ('mailbox/' || i.mailbox || '/vendor', 'mailbox/' || i.mailbox || '/partner') OFFSET 0)`,
  },
  standing: {
    name: 'standing',
    text: `SELECT (SELECT standing FROM entente.orgs WHERE org = $1) AS standing,
      coalesce((SELECT number FROM entente.rosters WHERE org = $1), 0) AS roster`,
  },
  roster: { name: 'roster', text: 'SELECT token FROM entente.rosters WHERE org = $1' },
  account: { name: 'account', text: 'SELECT * FROM entente.accounts WHERE org = $1' },
  accounts: { name: 'accounts', text: 'SELECT * FROM entente.accounts WHERE org > $1 ORDER BY org LIMIT $2' },
  // The nearest of an org's bounds decides; $1 to $3 are those of the relay's settings.
  fullest: {
    name: 'fullest',
    text: `SELECT * FROM entente.accounts ORDER BY greatest(
        bytes::float8 / nullif(coalesce(quota_bytes, $1::bigint), 0), docs::float8 / nullif(coalesce(quota_docs, $2::bigint), 0),
        connections::float8 / nullif(coalesce(quota_connections, $3::bigint), 0), 0) DESC, bytes DESC, org LIMIT $4`,
  },
  heads: { name: 'heads', text: 'SELECT name, head FROM entente.feeds WHERE name = ANY ($1::text[])' },
  settings: { name: 'settings', text: 'SELECT secret, accounts, mailboxes FROM entente.settings' },
} as const

/** The most entries that can fit a page. */
export function mostEntries(bounds: PageBounds): number {
  return Math.max(1, Math.min(bounds.entries, Math.floor(bounds.bytes / entryOverhead)))
}

export function toPage(rows: readonly PostgresRow[], after: number): Page {
  const [first] = rows
  const head = numberOf(first, 'head')
  const entries = first?.['sequence'] === null ? [] : rows.map(toEntry)
  // The head is always the sequence of an entry that still exists: the last of some key.
  return {
    entries,
    head,
    incarnation: numberOf(first, 'incarnation'),
    done: (entries.at(-1)?.sequence ?? after) >= head || entries.length === 0,
  }
}

function toEntry(row: PostgresRow): Entry {
  return {
    sequence: numberOf(row, 'sequence'),
    key: parseKey(textOf(row, 'key')),
    kind: toKind(row),
    whole: flagOf(row, 'whole'),
    epoch: { version: numberOf(row, 'version'), number: numberOf(row, 'number') },
    bytes: bytesOf(row, 'bytes'),
  }
}

export function toKeyState(row: PostgresRow): KeyState {
  const kind = toKind(row)
  return {
    sequence: numberOf(row, 'sequence'),
    kind,
    epoch: { version: numberOf(row, 'version'), number: numberOf(row, 'number') },
    vector: kind === 'doc' ? decodeStateVector(bytesOf(row, 'vector')) : emptyVector,
    bytes: numberOf(row, 'bytes'),
  }
}

export function toDoc(rows: readonly PostgresRow[]): StoredDoc | undefined {
  const [first] = rows
  if (!first) return undefined
  return {
    epoch: { version: numberOf(first, 'version'), number: numberOf(first, 'number') },
    sequence: numberOf(first, 'sequence'),
    merged: numberOf(first, 'merged'),
    states: rows.map((row) => bytesOf(row, 'bytes')),
  }
}

export function toInvitation(row: PostgresRow | undefined): Invitation | undefined {
  if (!row) return undefined
  return {
    mailbox: textOf(row, 'mailbox'),
    vendor: parseOrgId(textOf(row, 'vendor')),
    partner: row['partner'] === null ? undefined : parseOrgId(textOf(row, 'partner')),
    claimHash: bytesOf(row, 'claim_hash'),
    expires: numberOf(row, 'expires'),
    wrongTries: numberOf(row, 'wrong_tries'),
    isVoid: flagOf(row, 'void'),
  }
}

export function toAccount(row: PostgresRow): Account {
  const quota: QuotaOverrides = {
    ...(row['quota_bytes'] === null ? {} : { bytes: numberOf(row, 'quota_bytes') }),
    ...(row['quota_docs'] === null ? {} : { docs: numberOf(row, 'quota_docs') }),
    ...(row['quota_connections'] === null ? {} : { connections: numberOf(row, 'quota_connections') }),
  }
  const usage = { bytes: numberOf(row, 'bytes'), docs: numberOf(row, 'docs'), connections: numberOf(row, 'connections') }
  return { org: parseOrgId(textOf(row, 'org')), standing: toStanding(row), quota, usage }
}

export function toStanding(row: PostgresRow): Standing {
  const standing = standings.find((known) => known === row['standing'])
  if (!standing) throw new Error('The database holds an account of an unknown standing; run a check on it.')
  return standing
}

export function toHeads(rows: readonly PostgresRow[]): readonly (readonly [FeedName, number])[] {
  // The names are those that were asked for: naming the type is the boundary.
  return rows.map((row) => [textOf(row, 'name') as FeedName, numberOf(row, 'head')] as const)
}

function toKind(row: PostgresRow): EntryKind {
  const kind = entryKinds[numberOf(row, 'kind')]
  if (!kind) throw new Error('The database holds an entry of an unknown kind; run a check on it.')
  return kind
}
