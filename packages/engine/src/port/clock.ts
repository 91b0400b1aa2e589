/** The device's time and timers. A port, so that tests control them. */
export interface Clock {
  /** Milliseconds since 1970 by the device's own clock. It may be wrong, and it may jump. */
  now(): number
  /** Calls back once, after a delay in milliseconds; 0 is the next turn of the event loop. A delay of more than 2^31 - 1 ms may end then. @returns a function that cancels the call */
  after(ms: number, call: () => void): () => void
}

/** Resolves in the next turn of the event loop: a page draws in between, and the changes of this turn gather. */
export function nextTurn(clock: Clock): Promise<void> {
  return new Promise((resolve) => void clock.after(0, resolve))
}
