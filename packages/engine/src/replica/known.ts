import { isAbove, mergeRows, type Register } from '../row/row.js'
import { isGone } from './existence.js'
import { type Above, type Head, type Known, registersOf, type Stored, unknown } from './stored.js'

/** What an entry of a doc says of its row. */
export interface Told {
  /** The agreement's version of the entry's epoch. */
  readonly version: number
  readonly registers: Readonly<Record<string, Register>>
  /** Undefined where the entry does not set the existence register. */
  readonly exists: Register | undefined
}

/** What is known of the row under a key. */
export function knownOf(stored: Head | Stored | undefined): Known {
  if (!stored || !('registers' in stored)) return unknown
  const { version, registers, exists, floor } = stored
  return { version, registers, exists, floor }
}

/**
 * What a reader knows after it heard an entry of the peer's: of each register the highest that it ever heard under one version of the agreement. So an old value,
 * doc or erasure that a relay repeats changes nothing (rules NB1 to NB3). The next version starts empty, and entries of earlier ones are not shown.
 */
export function raise(known: Known, told: Told): Known {
  if (told.version < known.floor && !isSharedAgain(known, told)) return known
  // Existence means the same under each version, so an erasure counts by its stamp alone.
  if (isGone(told.exists) && known.exists && told.exists && isAbove(known.exists, told.exists)) return known
  const isNew = told.version > known.floor || !known.exists
  const exists = told.exists && (isNew || isAbove(told.exists, known.exists)) ? told.exists : isNew ? undefined : known.exists
  const at = { exists, floor: told.version }
  if (told.version === known.version) return { ...at, version: told.version, registers: merged(registersOf(known), told.registers) }
  // The first doc of a version takes the place of what the one before has left. An erasure leaves it as it was.
  return exists?.[1] === true
    ? { ...at, version: told.version, registers: told.registers }
    : { ...at, version: known.version, registers: known.registers }
}

/**
 * Whether a doc of an earlier version than the erasure that came before it tells of a later edit of the record map. Its owner forgot the erasure's version before this
 * device heard of it (rule NB2). A doc that a relay repeats is below the erasure.
 */
function isSharedAgain(known: Known, { version, exists }: Told): boolean {
  return version >= known.version && exists !== undefined && isAbove(exists, known.exists)
}

/** Tells which slots were withdrawn since a version. Undefined where none was. */
export type Withdrawn = (version: number) => ((slot: string) => boolean) | undefined

/** Takes out the slots that an agreement has withdrawn. Gives `stored` itself where none was. */
export function withoutSlots<T extends Head | Stored | Known>(stored: T, withdrawn: Withdrawn): T {
  if (!('registers' in stored)) return stored
  const isGone = withdrawn(stored.version)
  if (!isGone) return stored
  const registers = registersOf(stored)
  const kept = Object.entries(registers).filter(([slot]) => !isGone(slot))
  if (kept.length === Object.keys(registers).length) return stored
  const { above, seals, ...rest }: Above & Known = stored
  // Nobody hands back what was withdrawn: the seals of such slots go too.
  const left = above?.filter((slot) => !isGone(slot)) ?? []
  const sealed = Object.entries(seals ?? {}).filter(([slot]) => !isGone(slot))
  return {
    ...rest,
    registers: Object.fromEntries(kept),
    ...(left.length > 0 && { above: left }),
    ...(sealed.length > 0 && { seals: Object.fromEntries(sealed) }),
    // The rest of a state is a state.
  } as unknown as T
}

function merged(a: Told['registers'], b: Told['registers']): Told['registers'] {
  const row = (registers: Told['registers']) => ({ object: '', id: '', registers })
  return mergeRows(row(a), row(b)).registers
}
