import { compareStamps, type Stamp } from '@entente/protocol'
import type { Value } from '../schema/value.js'
import type { StoreKey, Write } from '../port/store.js'
import { type Register, type Row, setRegister } from './row.js'

// A store keeps the registers of a row as one text, JSON of [[stamp, {field: value}, {field: proof}], …], where the last part
// is there for rows that decide. A browser copies a text for a fraction of what the same row costs as
// objects, and an org of thousands of rows opens without making them: a row is read when somebody asks for a register of it.

/** A row as the store keeps it. */
interface StoredRow {
  readonly object: string
  readonly id: string
  readonly registers: string
  /** Whether a register's name begins with an underscore: those say what became of a record. */
  readonly special: boolean
}

type Group = [stamp: Stamp, values: Record<string, Value>, proofs?: Record<string, string>]

/** A row that came out of the store. */
class LoadedRow implements Row {
  readonly object: string
  readonly id: string
  readonly #special: boolean
  // Not a private name: two rows that a test compares shall differ in it.
  private content: string | Row['registers']

  constructor({ object, id, registers, special }: StoredRow) {
    this.object = object
    this.id = id
    this.content = registers
    this.#special = special
  }

  get registers(): Row['registers'] {
    if (typeof this.content === 'string') this.content = decodeRegisters(this.content)
    return this.content
  }

  toJSON(): Row {
    const { object, id, registers } = this
    return { object, id, registers }
  }

  /** False where there is no such register for certain, and finding out took no reading of the row. */
  mayHave(field: `_${string}`): boolean {
    return this.#special && (typeof this.content !== 'string' || this.content.includes(`"${field}"`))
  }
}

/** The key of a row in the store. */
export const rowKey = (object: string, id: string): StoreKey => ['row', object, id]

/** Fewer rows or docs than this are not worth a segment. */
export const leastInSegment = 10
export const mostInSegment = 100

export const isMap = ({ object }: Pick<Row, 'object'>): boolean => object === 'RecordMap'

/**
 * The key of a segment, by the first of its rows. Segments of record maps come after those of records, of which a page seeks a few before all are read.
 */
export function segmentKey([first]: readonly Row[]): StoreKey {
  const { object, id } = first ?? { object: '', id: '' }
  return ['rows', isMap({ object }) ? `~${id}` : id, object]
}

/** What puts a row into the store. */
export function rowWrite(row: Row): Write {
  return { put: rowKey(row.object, row.id), value: toStored(row) }
}

/** Rows as their segment keeps them. */
export const toSegment = (rows: readonly Row[]): unknown => rows.map(toStored)

function toStored({ object, id, registers }: Row): StoredRow {
  const special = Object.keys(registers).some((field) => field.startsWith('_'))
  return { object, id, registers: encodeRegisters(registers), special }
}

/** The rows of a segment, each as `storedRow` takes it. */
export const storedInSegment = (value: unknown): readonly Pick<Row, 'object' | 'id'>[] => (value ?? []) as readonly StoredRow[]

/** The rows of a segment. */
export function storedRows(value: unknown): readonly Row[] {
  return storedInSegment(value).flatMap((row) => storedRow(row) ?? [])
}

/** A row as it comes out of the store: this library wrote it, so its shape is known. Undefined where there is none. */
export function storedRow(value: unknown): Row | undefined {
  return value === undefined ? undefined : new LoadedRow(value as StoredRow)
}

/** Whether a row may have a register, without reading the row: for what is asked of all rows of an org at once. */
export function mayHave(row: Row, field: `_${string}`): boolean {
  return row instanceof LoadedRow ? row.mayHave(field) : Object.hasOwn(row.registers, field)
}

/** Registers as one text. */
export function encodeRegisters(registers: Row['registers']): string {
  const groups: Group[] = []
  for (const field of Object.keys(registers)) {
    const register = registers[field]
    if (!register) continue
    const [stamp, value, proof] = register
    let group = groups.find(([known]) => compareStamps(known, stamp) === 0)
    // Without a prototype, so that a field may have any name.
    if (!group) groups.push((group = [stamp, Object.create(null) as Record<string, Value>]))
    group[1][field] = value
    if (proof !== undefined) (group[2] ??= Object.create(null) as Record<string, string>)[field] = proof
  }
  return JSON.stringify(groups)
}

/** The registers of such a text. */
export function decodeRegisters(text: string): Row['registers'] {
  const registers: Record<string, Register> = {}
  for (const [stamp, values, proofs] of JSON.parse(text) as readonly Group[])
    for (const field of Object.keys(values)) {
      const [value, proof] = [values[field] ?? null, proofs && Object.hasOwn(proofs, field) ? proofs[field] : undefined]
      setRegister(registers, field, proof === undefined ? [stamp, value] : [stamp, value, proof])
    }
  return registers
}
