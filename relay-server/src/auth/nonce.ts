import { randomFillSync } from 'node:crypto'

const nonceBytes = 16
/** Drawn at once: asking the system costs as much for these as for one. */
const drawn = 64

let rest = new Uint8Array()

/** Random bytes for one challenge, in memory of their own: those of sockets that stay unused must not keep others' alive. */
export function drawNonce(): Uint8Array {
  if (rest.length === 0) rest = randomFillSync(new Uint8Array(nonceBytes * drawn))
  const nonce = rest.slice(0, nonceBytes)
  rest = rest.subarray(nonceBytes)
  return nonce
}
