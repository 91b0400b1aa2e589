import { compareStamps, type Stamp } from '@entente/protocol'
import type { Value } from '../schema/value.js'

/** One field of a row: its value, and the stamp of the edit that set it. In a row that decides also the signature by which it counts (rule DR1). */
export type Register = readonly [stamp: Stamp, value: Value, proof?: string]

/** How anything that an org owns is stored: records, connections, record maps, grants, settings. */
export interface Row {
  readonly object: string
  readonly id: string
  readonly registers: Readonly<Record<string, Register>>
}

/**
 * Field by field the register with the higher stamp; of equal stamps the one with the higher signature. The one merge rule of the whole system (rules MG1, MG2): it is
 * commutative, associative and idempotent, so that order, duplicates and gaps in delivery never matter. Gives `a` itself where `b` adds nothing.
 */
export function mergeRows(a: Row | undefined, b: Row): Row {
  if (!a) return b
  let merged: Record<string, Register> | undefined
  for (const field of Object.keys(b.registers)) {
    const register = registerOf(b, field)
    if (!register || !isAbove(register, registerOf(a, field))) continue
    merged ??= copyRegisters(a.registers)
    setRegister(merged, field, register)
  }
  return merged ? { object: a.object, id: a.id, registers: merged } : a
}

/** The value of a row's field; undefined where it was never set. */
export function valueOf(row: Row | undefined, field: string): Value | undefined {
  return registerOf(row, field)?.[1]
}

/** A field's register. A name like `constructor` has none unless somebody set it. */
export function registerOf(row: Row | undefined, field: string): Register | undefined {
  return row && Object.hasOwn(row.registers, field) ? row.registers[field] : undefined
}

/** Whether a register wins over the present one. */
export function isAbove(register: Register, present: Register | undefined): boolean {
  if (!present) return true
  const order = compareStamps(register[0], present[0])
  return order > 0 || (order === 0 && (register[2] ?? '') > (present[2] ?? ''))
}

/** A copy to write into. Plain spread would do but for `__proto__`, which it keeps as an own property, as everything here must. */
export function copyRegisters(registers: Readonly<Record<string, Register>>): Record<string, Register> {
  return { ...registers }
}

/** Sets a field of a copy. Assigning `__proto__` would change the object's prototype, so that name is defined instead. */
export function setRegister(registers: Record<string, Register>, field: string, register: Register): void {
  if (field === '__proto__')
    Object.defineProperty(registers, field, { value: register, enumerable: true, configurable: true, writable: true })
  else registers[field] = register
}
