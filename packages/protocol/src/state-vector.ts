import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'

/** Per Yjs client the clock up to which a doc is known. Small: one entry per writing page load since the doc's epoch began. */
export type StateVector = ReadonlyMap<number, number>

export const emptyVector: StateVector = new Map()

export function encodeStateVector(vector: StateVector): Uint8Array {
  return encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, vector.size)
    for (const [client, clock] of vector) {
      encoding.writeVarUint(encoder, client)
      encoding.writeVarUint(encoder, clock)
    }
  })
}

/** Of bytes that were admitted before; not for hostile input. */
export function decodeStateVector(bytes: Uint8Array): StateVector {
  return Y.decodeStateVector(bytes)
}
