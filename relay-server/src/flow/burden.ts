/** What was used this long ago, in ms, counts half. */
const halfLifeMs = 2_000

/**
 * What one party, a session or an address, has lately used of the relay's one thread. The relay serves whoever has used least first, so a flood is served with
 * what the others leave.
 */
export class Burden {
  // Whole microseconds and milliseconds: V8 stores whole numbers in the object itself.
  #us: number
  #at: number

  /** @param ms what the party comes with */
  constructor(ms = 0, now = performance.now()) {
    this.#us = Math.round(ms * 1_000)
    this.#at = Math.round(now)
  }

  /** Counts work of so many ms. */
  add(ms: number, now = performance.now()): void {
    this.#us = Math.round((this.lately(now) + ms) * 1_000)
    this.#at = Math.round(now)
  }

  /** The party answers for what another one used that was it too. */
  atLeast(ms: number, now = performance.now()): void {
    this.add(Math.max(0, ms - this.lately(now)), now)
  }

  /** The ms that count now. */
  lately(now = performance.now()): number {
    return (this.#us / 1_000) * 2 ** (Math.min(0, this.#at - now) / halfLifeMs)
  }
}
