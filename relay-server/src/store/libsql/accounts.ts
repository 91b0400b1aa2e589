import { type OrgId, parseOrgId } from '@entente/protocol'
import { type Account, type AccountChange, noUsage, type Quota, type QuotaOverrides, type Standing, standings } from '../account.js'
import { type Cell, type SqliteRow, toNumber, toText } from './connection.js'

/** The change of an org's usage in one transaction. */
export interface Growth {
  bytes: number
  docs: number
  connections: number
  tombstones: number
  tailUpdates: number
}

export function noGrowth(): Growth {
  return { bytes: 0, docs: 0, connections: 0, tombstones: 0, tailUpdates: 0 }
}

/** Adds to an org's usage in one statement, and returns its account. */
export const growOrg = `INSERT INTO orgs (org, bytes, docs, connections, tombstones, tail_updates) VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT (org) DO UPDATE SET bytes = bytes + excluded.bytes, docs = docs + excluded.docs, connections = connections + excluded.connections,
  tombstones = tombstones + excluded.tombstones, tail_updates = tail_updates + excluded.tail_updates RETURNING *`

export function growthCells(org: string, growth: Growth): readonly Cell[] {
  return [org, growth.bytes, growth.docs, growth.connections, growth.tombstones, growth.tailUpdates]
}

/** The nearest of an org's bounds decides; ?1 to ?3 are those of the relay's settings. */
export const fullestOrgs = `SELECT * FROM orgs ORDER BY MAX(
    COALESCE(1.0 * bytes / NULLIF(COALESCE(quota_bytes, ?1), 0), 0), COALESCE(1.0 * docs / NULLIF(COALESCE(quota_docs, ?2), 0), 0),
    COALESCE(1.0 * connections / NULLIF(COALESCE(quota_connections, ?3), 0), 0)) DESC, bytes DESC, org LIMIT ?4`

/** Each bound is a pair: whether it changes, and its new value. */
export const decideOrg = `INSERT INTO orgs (org, standing, quota_bytes, quota_docs, quota_connections)
  SELECT ?1, COALESCE(?2, 'none'), ?5, ?7, ?9 WHERE COALESCE(?3, 'none') = 'none' OR EXISTS (SELECT 1 FROM orgs WHERE org = ?1)
  ON CONFLICT (org) DO UPDATE SET standing = COALESCE(?2, standing), quota_bytes = IIF(?4, ?5, quota_bytes),
  quota_docs = IIF(?6, ?7, quota_docs), quota_connections = IIF(?8, ?9, quota_connections) WHERE ?3 IS NULL OR standing = ?3`

export function decisionCells(org: OrgId, { standing, quota = {}, onlyFrom }: AccountChange): readonly Cell[] {
  const bounds = [quota.bytes, quota.docs, quota.connections].flatMap((bound) => [bound === undefined ? 0 : 1, bound ?? null])
  return [org, standing ?? null, onlyFrom ?? null, ...bounds]
}

export function newAccount(org: OrgId): Account {
  return { org, standing: 'none', quota: {}, usage: noUsage }
}

export function toAccount(row: SqliteRow | undefined): Account {
  if (!row) throw new Error('The store gave no account where it wrote one.')
  return {
    org: parseOrgId(toText(row['org'])),
    standing: toStanding(row['standing']),
    quota: { ...bound('bytes', row), ...bound('docs', row), ...bound('connections', row) },
    usage: { bytes: toNumber(row['bytes']), docs: toNumber(row['docs']), connections: toNumber(row['connections']) },
  }
}

export function toStanding(cell: Cell | undefined): Standing {
  const standing = standings.find((known) => known === cell)
  if (!standing) throw new Error('The store holds an account of an unknown form; run a check on its file.')
  return standing
}

function bound(what: keyof Quota, row: SqliteRow): QuotaOverrides {
  const cell = row[`quota_${what}`]
  return cell === null ? {} : { [what]: toNumber(cell) }
}
