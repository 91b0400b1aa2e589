import { randomFillSync } from 'node:crypto'

const nonceBytes = 16
/** Nonces per draw: asking the system for many costs as much as for one. */
const drawn = 64

let rest = new Uint8Array()

/** Random bytes for one challenge. Each nonce has its own memory, so an idle socket does not keep the others' nonces alive. */
export function drawNonce(): Uint8Array {
  if (rest.length === 0) rest = randomFillSync(new Uint8Array(nonceBytes * drawn))
  const nonce = rest.slice(0, nonceBytes)
  rest = rest.subarray(nonceBytes)
  return nonce
}
