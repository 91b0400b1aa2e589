import * as Y from 'yjs'

/** Per Yjs client the clock up to which a doc is known. Small: one entry per writing page load since the doc's epoch began. */
export type StateVector = ReadonlyMap<number, number>

export const emptyVector: StateVector = new Map()

/** A number of 53 bits takes at most 8 bytes of 7 bits. */
const numberBytes = 8

/** As Yjs writes it. Every accepted update brings one, so it is written by hand: a general encoder costs three times as much. */
export function encodeStateVector(vector: StateVector): Uint8Array {
  const bytes = new Uint8Array(numberBytes * (1 + 2 * vector.size))
  let at = 0
  const write = (value: number): void => {
    let rest = value
    while (rest > 0x7f) {
      bytes[at++] = 0x80 | (rest % 0x80)
      rest = Math.floor(rest / 0x80)
    }
    bytes[at++] = rest
  }
  write(vector.size)
  for (const [client, clock] of vector) {
    write(client)
    write(clock)
  }
  return bytes.subarray(0, at)
}

/** Of bytes that were admitted before; not for hostile input. */
export function decodeStateVector(bytes: Uint8Array): StateVector {
  return Y.decodeStateVector(bytes)
}
