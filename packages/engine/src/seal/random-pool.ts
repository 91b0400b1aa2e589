import type { RandomBytes } from '../port/random.js'

const poolBytes = 4_096

/** The same randomness drawn in larger pieces: asking the system costs as much for one nonce as for a hundred. No byte is given out twice. */
export function poolRandom(random: RandomBytes): RandomBytes {
  let pool = new Uint8Array()
  let used = 0
  return (length) => {
    if (used + length > pool.length) {
      pool = new Uint8Array(random(Math.max(poolBytes, length)))
      used = 0
    }
    used += length
    return pool.slice(used - length, used)
  }
}
