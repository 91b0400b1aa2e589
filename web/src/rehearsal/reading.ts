import type { ConnectionView, Engine, RecordView } from '@entente/engine'
import type { Orgs } from './orgs.js'

/** The connection of the two orgs, from the moment that both see a code. */
export function connectionOf({ vendor, partner }: Orgs): ConnectionView | undefined {
  const theirs = new Set(partner.connections.list().map((connection) => connection.id))
  return vendor.connections
    .list()
    .find((connection) => connection.code !== undefined && connection.state !== 'Disabled' && theirs.has(connection.id))
}

export function bothViews(orgs: Orgs): readonly [ConnectionView | undefined, ConnectionView | undefined] {
  const id = connectionOf(orgs)?.id
  return id === undefined ? [undefined, undefined] : [orgs.vendor.connections.get(id), orgs.partner.connections.get(id)]
}

/** A record of the vendor's and the partner's copy of it. */
export interface Pair {
  readonly record: string
  readonly copy: string
}

/** Exported opportunities on both sides, matched by the share that both have. */
export function pairsOf({ vendor, partner }: Orgs, most = 5): readonly Pair[] {
  const copyByShare = new Map<string, string>()
  for (const copy of importedOf(partner))
    for (const share of partner.records.shares('Opportunity', copy.id)) copyByShare.set(share.id, copy.id)
  const pairs: Pair[] = []
  for (const { id } of copyByShare.size === 0 ? [] : vendor.records.list('Opportunity').records) {
    const copy = vendor.records.shares('Opportunity', id).flatMap((share) => copyByShare.get(share.id) ?? [])[0]
    if (copy !== undefined && pairs.push({ record: id, copy }) >= most) break
  }
  return pairs
}

export function importedOf(engine: Engine): readonly RecordView[] {
  return engine.records.list('Opportunity').records.filter((record) => record.imported)
}

/** The text that the mirror of an own record shows for one of the peer's fields. */
export function mirrored(engine: Engine, record: string, field: string): string | undefined {
  const value = engine.mirrors.of('Opportunity', record)[0]?.fields.find((candidate) => candidate.name === field)?.value
  return typeof value === 'string' ? value : undefined
}
