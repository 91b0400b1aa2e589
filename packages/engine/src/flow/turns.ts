import type { Clock } from '../port/clock.js'

/** Runs pieces of work one after the other, in their order. A failure reaches its caller and stops no other piece. */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve()

  run<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work)
    this.#last = turn.catch(() => undefined)
    return turn
  }
}

/** Resolves in the next turn of the event loop: a page draws in between, and the changes of this turn gather. */
export function nextTurn(clock: Clock): Promise<void> {
  return new Promise((resolve) => void clock.after(0, resolve))
}
