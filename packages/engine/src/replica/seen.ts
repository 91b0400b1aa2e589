import { isAbove, mergeRows } from '../row/row.js'
import type { DocHead, Head, Seen, Stored, StoredErasure } from './stored.js'

/** All that was seen of a peer's record: what its mirror keeps when it is erased (rule IN4). */
export function seenIn(head: Head | undefined): Seen | undefined {
  if (!head || !('registers' in head)) return undefined
  const present = { version: versionOf(head), registers: head.registers }
  return head.kind === 'doc' ? later(present, head.before) : present
}

/** The agreement's version that says what the slots under a key mean. */
export function versionOf(head: DocHead | StoredErasure): number {
  return head.kind === 'erased' ? (head.version ?? head.epoch.version) : head.epoch.version
}

/** What was seen before a doc came whole: after a loss all of it, else what an earlier loss had left. */
export function seenBefore(stored: Stored | undefined): Seen | undefined {
  if (stored?.sequence === 0) return seenIn(stored)
  return stored?.kind === 'doc' ? stored.before : undefined
}

/** The part of `before` that is above `present`. Nothing of an earlier version: a slot that was withdrawn must not come back. */
export function seenBeyond(before: Seen | undefined, present: Seen): Seen | undefined {
  if (!before || before.version < present.version) return undefined
  const above = Object.entries(before.registers).filter(
    ([slot, register]) => before.version > present.version || isAbove(register, present.registers[slot]),
  )
  return above.length > 0 ? { version: before.version, registers: Object.fromEntries(above) } : undefined
}

/**
 * Takes out the slots that an agreement has withdrawn. Gives `stored` itself where none was.
 *
 * @param withdrawn tells which slots were withdrawn since a version
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
