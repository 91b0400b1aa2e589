import { createDoc } from '@entente/protocol'
import { editor } from '@entente/relay-server/testing'

/** What one field's register weighs: stamp and short text, sealed. With it an update of one register has the size the product sends, 138 bytes. */
const sealedBytes = 104
/** A client id as devices draw it: random, of 53 bits. */
export const client = 0x1b_3c_5d_7e_9f_a1_23

/** One record's history, made before anything is measured: the doc as first shared, and the updates of one register after it. */
export interface History {
  readonly key: string
  readonly whole: Uint8Array
  readonly updates: readonly Uint8Array[]
}

/** Histories of `docs` records, each with `updates` updates that overwrite one register. */
export function createHistories(docs: number, updates: number): readonly History[] {
  return Array.from({ length: docs }, (_, doc) => {
    const whole = createDoc(new Map([['0', sealed(doc)]]), client)
    const edit = editor(whole, client + 2)
    return { key: keyOf(doc), whole, updates: Array.from({ length: updates }, (_unused, turn) => edit(sealed(doc + turn))) }
  })
}

/** Something for each update of all records, turn by turn, as they are sent: number `n` is update `n / records` of record `n % records`. */
export function inOrder<T>(histories: readonly History[], make: (update: Uint8Array, record: number, number: number) => T): readonly T[] {
  const turns = histories[0]?.updates.length ?? 0
  return Array.from({ length: turns }, (_, turn) => turn).flatMap((turn) =>
    histories.flatMap(({ updates }, record) => {
      const bytes = updates[turn]
      return bytes ? [make(bytes, record, turn * histories.length + record)] : []
    }),
  )
}

/** A record's key, of the length that the product's keys have. */
export function keyOf(doc: number): string {
  return `record-${String(doc).padStart(15, '0')}`
}

/** Bytes as a seal gives them: nothing in them can be compressed or shared. */
export function sealed(seed: number): Uint8Array {
  const bytes = new Uint8Array(sealedBytes)
  let state = (seed + 1) * 2_654_435_761
  for (let index = 0; index < sealedBytes; index++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    bytes[index] = state >>> 24
  }
  return bytes
}
