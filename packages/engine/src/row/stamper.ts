import { boundClock, nextStamp, type Stamp } from '@entente/protocol'
import type { Clock } from '../port/clock.js'
import type { RandomBytes } from '../port/random.js'

/** Makes the stamps of one page load: the device's clock, corrected by the relay's, and a session of its own (rules ST1 to ST3). */
export class Stamper {
  /** A random number of 53 bits per page load, so that a cloned profile cannot tie with itself. Yjs client ids are drawn apart from it. */
  readonly session: number
  /** The relay's clock minus the device's, milliseconds, as heard last; 0 until a relay was reached. */
  offset = 0
  readonly #clock: Clock

  constructor(clock: Clock, random: RandomBytes) {
    this.#clock = clock
    this.session = randomInteger(random)
  }

  /** Milliseconds since 1970, by the corrected clock, within the bounds of a stamp (rule ST6). */
  now(): number {
    return boundClock(this.#clock.now() + this.offset)
  }

  /** A stamp above the one it replaces. */
  next(previous: Stamp | undefined, now = this.now()): Stamp {
    return nextStamp(previous, now, this.session)
  }
}

/** From 1 to 2^53 - 1. */
export function randomInteger(random: RandomBytes): number {
  const bytes = random(7)
  let number = (bytes[0] ?? 0) & 0x1f
  for (let index = 1; index < 7; index++) number = number * 256 + (bytes[index] ?? 0)
  return number || 1
}
