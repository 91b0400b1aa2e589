import type { Why } from '../api/index.js'
import { isOver, offRegisters, offSince, textOf } from '../replica/feed-role.js'
import { registerOf, type Row, valueOf } from '../row/row.js'

/** Why nothing flows over a connection any more. A second connection of two orgs was ended before anything could. */
export function endOf(row: Row | undefined): Why | undefined {
  const by = textOf(row, 'ended') === undefined || (isOwnMismatch(row) && textOf(row, 'state') === 'Error') ? 'own' : 'peer'
  // What the peer signed has its own date; the register has that at which this org heard of it.
  const told = by === 'peer' ? valueOf(row, 'endedAt') : undefined
  const at = (field: string): number | undefined => (typeof told === 'number' ? told : registerOf(row, field)?.[0][0])
  if (valueOf(row, 'verified') === 'mismatch') return { what: 'mismatch', by, at: at('verified') }
  if (isOver(row)) return { what: 'disconnected', by, at: at('state') }
  return valueOf(row, 'state') === 'Error' ? { what: 'disagreement', by: 'both', at: registerOf(row, 'state')?.[0][0] } : undefined
}

const isOwnMismatch = (row: Row | undefined): boolean => textOf(row, 'saysMismatch') !== undefined

/** Who switched an object off for a connection, and since when: both where each side did. */
export function offOf(row: Row | undefined, object: string): Why | undefined {
  const [own, peer] = offRegisters.map((register) => offSince(row, register)[object])
  const at = [own, peer].filter((time) => time !== undefined)
  if (at.length === 0) return undefined
  return { what: 'switchedOff', by: at.length === 2 ? 'both' : own !== undefined ? 'own' : 'peer', at: Math.min(...at) }
}

/** Who paused a connection, and since when: both where each side did. */
export function pauseOf(row: Row | undefined): Why | undefined {
  const [own, peer] = [valueOf(row, 'ownPause'), valueOf(row, 'peerPause')]
  const at = [own, peer].filter((time) => typeof time === 'number')
  if (at.length === 0) return undefined
  return { what: 'paused', by: at.length === 2 ? 'both' : typeof own === 'number' ? 'own' : 'peer', at: Math.min(...at) }
}
