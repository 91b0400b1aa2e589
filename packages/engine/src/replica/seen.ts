import { isAbove, mergeRows, type Register } from '../row/row.js'
import type { DocHead, Head, Stored, StoredErasure } from './stored.js'

/** Registers of a peer's record, by slot, with the agreement's version under which the slots have their meaning. */
export interface Seen {
  readonly version: number
  readonly registers: Readonly<Record<string, Register>>
}

/** All that was seen of a peer's record: what its mirror keeps when it is erased (rule IN4). */
export function seenIn(held: Head | undefined): Seen | undefined {
  if (!held || !('registers' in held)) return undefined
  const present = { version: versionOf(held), registers: held.registers }
  return held.kind === 'doc' ? later(present, held.before) : present
}

/** The agreement's version under which what a key shows has its meaning. */
export function versionOf(head: DocHead | StoredErasure): number {
  return head.kind === 'erased' ? (head.version ?? head.epoch.version) : head.epoch.version
}

/** What was seen before a doc came whole: after a loss all of it, else what a loss had left. */
export function seenBefore(held: Stored | undefined): Seen | undefined {
  if (held?.sequence === 0) return seenIn(held)
  return held?.kind === 'doc' ? held.before : undefined
}

/** What is left of `before` beside what has come: nothing of an earlier version (a slot that was withdrawn must not come back), else what is above. */
export function seenBeyond(before: Seen | undefined, present: Seen): Seen | undefined {
  if (!before || before.version < present.version) return undefined
  const above = Object.entries(before.registers).filter(
    ([slot, register]) => before.version > present.version || isAbove(register, present.registers[slot]),
  )
  return above.length > 0 ? { version: before.version, registers: Object.fromEntries(above) } : undefined
}

/**
 * What a key holds without the slots that have been withdrawn since a version; the very same where none was.
 *
 * @param withdrawn which slots these are, by the version
 */
export function withoutSlots<T extends Head | Stored>(stored: T, withdrawn: (version: number) => (slot: string) => boolean): T {
  if (!('registers' in stored)) return stored
  const isGone = withdrawn(versionOf(stored))
  const before = stored.kind === 'doc' ? stored.before : undefined
  const isGoneBefore = withdrawn(before?.version ?? 0)
  const isTouched = Object.keys(stored.registers).some(isGone) || Object.keys(before?.registers ?? {}).some(isGoneBefore)
  if (!isTouched) return stored
  const registers = without(stored.registers, isGone)
  return { ...stored, registers, ...(before && { before: { ...before, registers: without(before.registers, isGoneBefore) } }) }
}

function without(registers: Seen['registers'], isGone: (slot: string) => boolean): Seen['registers'] {
  return Object.fromEntries(Object.entries(registers).filter(([slot]) => !isGone(slot)))
}

/** The one of the later version; of one version, slot by slot the higher stamp. */
function later(a: Seen, b: Seen | undefined): Seen {
  if (!b || b.version !== a.version) return b && b.version > a.version ? b : a
  const row = (registers: Seen['registers']) => ({ object: '', id: '', registers })
  return { version: a.version, registers: mergeRows(row(a.registers), row(b.registers)).registers }
}
