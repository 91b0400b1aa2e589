import type { Burden } from '../flow/burden.js'
import { TimeSlices } from '../flow/time-slices.js'

/** From this size on, in bytes, a frame is large: decoded, it is hundreds of objects or thousands. */
const largeBytes = 16 * 1024
/** Large frames that are in hand at the same time, and the longest time, in ms, for which one counts. */
const atOnce = 4
const longestMs = 100

/** A large frame in hand. */
export interface LargeFrame {
  /** Resolves when it makes room for another. */
  readonly ended: Promise<void>
  end(): void
}

/** Rule RL5: of the large frames of many sessions, few are in hand at a time, so that the memory of a relay under a flood is not full of what waits to be handled. */
export class LargeFrames {
  readonly #slices: TimeSlices

  /** @param budgetMs the time of each turn of the loop in which large frames may be begun */
  constructor(budgetMs: number) {
    this.#slices = new TimeSlices(budgetMs, atOnce)
  }

  isLarge(bytes: Uint8Array | undefined): boolean {
    return bytes !== undefined && bytes.length >= largeBytes
  }

  /** Resolves when a large frame may be decoded: first for whoever has used least. */
  begin(burden: Burden): Promise<LargeFrame> {
    return new Promise((begun) => {
      void this.#slices.take(burden, () => {
        let end = (): void => undefined
        const ended = new Promise<void>((resolve) => (end = resolve))
        const timer = setTimeout(end, longestMs)
        begun({ ended, end })
        return ended.finally(() => clearTimeout(timer))
      })
    })
  }
}
