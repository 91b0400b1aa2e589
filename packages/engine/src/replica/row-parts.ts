import { isStamp } from '@entente/protocol'
import { type Register, type Row, setRegister } from '../row/row.js'
import { sizeOf } from '../row/size.js'
import { encodeRegisters } from '../row/stored-row.js'
import { valueOfContent } from '../seal/seal-register.js'

// A team's doc holds a row in one seal, nearly always. An org of thousands of records would else be a dozen times as many seals, one for each field.

/** So many bytes of JSON a part has at most, or one register (rule TM2). */
const mostBytes = 32 * 1024

/** Beside its value: the quotes around its name, a stamp, and a signature where it has one. */
const bytesPerRegister = 240

/** The parts in which a row stands in its team's doc, by slot (rule TM2). */
export function partsOf({ object, id, registers }: Row): ReadonlyMap<string, Row> {
  const parts = new Map<string, Row>()
  let part: Record<string, Register> = {}
  let bytes = 0
  const end = (): void => void parts.set(String(parts.size), { object, id, registers: part })
  // In the order of their names, so that all devices make the same parts of a row.
  for (const field of Object.keys(registers).sort()) {
    const register = registers[field]
    if (!register) continue
    const size = 3 * field.length + sizeOf(register[1]) + bytesPerRegister
    if (bytes > 0 && bytes + size > mostBytes) {
      end()
      part = {}
      bytes = 0
    }
    setRegister(part, field, register)
    bytes += size
  }
  // A row that has no register is a doc as well: one without any part opens nowhere.
  if (bytes > 0 || parts.size === 0) end()
  return parts
}

/** What is sealed of a part: JSON of [object, id, [[stamp, {field: value}, {field: signature}], …]]. The signatures are there in rows that decide. */
export function encodePart({ object, id, registers }: Row): string {
  return `[${JSON.stringify(object)},${JSON.stringify(id)},${encodeRegisters(registers)}]`
}

/** Undefined for anything but what `encodePart` makes. */
export function decodePart(content: unknown): Row | undefined {
  if (!Array.isArray(content)) return undefined
  const [object, id, groups] = content as readonly unknown[]
  if (typeof object !== 'string' || typeof id !== 'string' || !Array.isArray(groups)) return undefined
  const registers: Record<string, Register> = {}
  for (const group of groups as readonly unknown[]) {
    const [stamp, values, proofs = {}] = Array.isArray(group) ? (group as readonly unknown[]) : []
    if (!isStamp(stamp) || !isObject(values) || !isObject(proofs)) return undefined
    for (const field of Object.keys(values)) {
      const value = valueOfContent(values[field])
      const proof = Object.hasOwn(proofs, field) ? proofs[field] : undefined
      if (value === undefined || (proof !== undefined && typeof proof !== 'string')) return undefined
      setRegister(registers, field, proof === undefined ? [stamp, value] : [stamp, value, proof])
    }
  }
  return { object, id, registers }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
