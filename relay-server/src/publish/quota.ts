import type { Offer } from '@entente/protocol'
import { noUsage, type Quota, sizeOf, type Usage } from '../store/account.js'
import type { KeyState, Write } from '../store/store.js'

/**
 * Room beyond the quota (rule QU2). Revoking a device, or narrowing a policy, must not fail for lack of space. Nor must a head, by which readers of what is there
 * see that it is all. Heads leave half of the room to control entries.
 */
const spareRoom: Partial<Record<Offer['kind'], Usage>> = {
  head: { bytes: 64 * 1024, docs: 100, connections: 0 },
  control: { bytes: 128 * 1024, docs: 200, connections: 0 },
}

/** The usage that an accepted write adds to its org's account. */
export function growthOf(write: Pick<Offer, 'kind' | 'whole' | 'bytes'>, connects: Write['connects'], last: KeyState | undefined): Usage {
  const { kind, whole } = write
  const before = last === undefined || last.kind === 'erased' ? 0 : 1
  return {
    bytes: sizeOf(write) - (kind === 'doc' && !whole ? 0 : (last?.bytes ?? 0)),
    docs: (kind === 'erased' ? 0 : 1) - before,
    connections: connects,
  }
}

/**
 * Whether a write would take its org over a bound. Only a bound that the write adds to counts, so a write that reduces usage always passes.
 *
 * @param quota 0 is no bound
 * @param usage of the org, pending entries included
 * @returns which bound is reached and what to do, or undefined within the quota
 */
export function overQuota(kind: Offer['kind'], growth: Usage, quota: Quota, usage: Usage): string | undefined {
  const spare = spareRoom[kind] ?? noUsage
  const isFull = (what: keyof Usage): boolean =>
    growth[what] > 0 && quota[what] > 0 && usage[what] + growth[what] > quota[what] + spare[what]
  if (isFull('connections')) return 'The org has reached its number of connections at this relay; end one, or ask its operator.'
  if (isFull('docs')) return 'The org has reached its number of records and messages at this relay; erase some, or ask its operator.'
  return isFull('bytes') ? 'The org’s space at this relay is used up; erase something, or ask its operator.' : undefined
}
