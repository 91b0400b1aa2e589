import { compareStamps, type Epoch, existenceSlot, type Key, nextStamp } from '@entente/protocol'
import { type Register, registerOf, type Row, setRegister, valueOf } from '../row/row.js'
import { generationOf } from '../seal/seal-register.js'
import type { Absorber } from './absorb-entry.js'
import { carriedFields } from './desired-state.js'
import { isGone } from './existence.js'
import { isConfirmed, isOver, objectByTopic, textOf } from './feed-role.js'
import { mergeAll } from './transactions.js'

/** The place of a register in a peer's feed that stands above the relay's copy. */
export interface PlaceAbove {
  readonly key: Key
  readonly slot: string
}

/** The register there, as its owner sealed it once. */
export interface SealAbove extends PlaceAbove {
  readonly epoch: Epoch
  readonly bytes: Uint8Array
}

/** Whether a seal still says something under a version of the agreement: existence means the same under each. */
export function countsUnder(version: number, slot: string, epoch: Epoch): boolean {
  return slot === existenceSlot ? epoch.version <= version : epoch.version === version
}

/** What of it this org takes. */
export interface TakenBack {
  readonly rows: readonly Row[]
  /** The existence register of each key that was handed back, also where the row stands above it. */
  readonly exists: ReadonlyMap<Key, Register>
}

const nothing: TakenBack = { rows: [], exists: new Map() }

/**
 * What a peer hands back to this org (rule BK3). Only an own device can have made what opens in an own feed (rule OR1), and what does not stand above the row changes nothing of it. So a
 * peer that means harm can hand back what the org said once, and that changes nothing.
 *
 * What is late does not count. But the peer shows it, as it took it before it heard of a removal: the org says above it what it has there itself.
 *
 * @param restoredAt up to which stamp time what is late counts too, in milliseconds: when this org was restored
 * @param sayAbove the session of what is said above the late register of a place; undefined where nothing is said
 */
export function takenBack(
  { feed, feedRole, rows, sealer, lateBelow }: Absorber,
  seals: readonly SealAbove[],
  restoredAt: number,
  sayAbove: (place: PlaceAbove) => number | undefined,
): TakenBack {
  if (feedRole.kind !== 'connection' || !feedRole.own || feedRole.topic === 'messages') return nothing
  const connection = rows.get('Connection', feedRole.connection)
  const fields = carriedFields(rows.get('Agreement', feedRole.connection), feedRole.topic, feedRole.side)
  if (!fields || isOver(connection) || !isConfirmed(connection)) return nothing
  const object = objectByTopic[feedRole.topic]
  const found: Row[] = []
  const existence = new Map<Key, Register>()
  for (const { key, slot, epoch, bytes } of seals) {
    const map = rows.get('RecordMap', key)
    const record = textOf(map, 'record')
    if (record === undefined || valueOf(map, 'connection') !== feedRole.connection || valueOf(map, 'object') !== object) continue
    const field = slot === existenceSlot ? 'on' : fields.bySlot.get(slot)
    if (field === undefined || !countsUnder(fields.version, slot, epoch)) continue
    const register = sealer.openSlot(feedRole, feed, key, slot, epoch, bytes)
    if (!register || (slot === existenceSlot && register[1] !== true && !isGone(register))) continue
    const address = slot === existenceSlot ? { object: 'RecordMap', id: key } : { object, id: record }
    const registers: Record<string, Register> = {}
    // Who was removed may have made what is late (rule RT11). What was said before the org was restored could have been said then, by the same keys.
    if (generationOf(bytes) < lateBelow && register[0][0] > restoredAt) {
      const present = registerOf(rows.get(address.object, address.id), field)
      const session = present && compareStamps(register[0], present[0]) > 0 ? sayAbove({ key, slot }) : undefined
      if (!present || session === undefined) continue
      setRegister(registers, field, [nextStamp(register[0], register[0][0], session), present[1]])
    } else {
      if (slot === existenceSlot) existence.set(key, register)
      setRegister(registers, field, register)
    }
    found.push({ ...address, registers })
  }
  return { rows: mergeAll(found), exists: existence }
}
