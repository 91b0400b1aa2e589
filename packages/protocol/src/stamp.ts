/**
 * The time and origin of an edit (rules ST1 to ST3). `time` is in milliseconds since 1970, by the device's clock, corrected by the relay's. `session` is a
 * random number of 53 bits per page load. Stamps are totally ordered: by time, then counter, then session.
 */
export type Stamp = readonly [time: number, counter: number, session: number]

/** The lowest stamp, below that of any edit. */
export const zeroStamp: Stamp = [0, 0, 0]

/** Negative where `a` is below `b`, 0 where they are equal, positive where `a` is above `b`. */
export function compareStamps(a: Stamp, b: Stamp): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2]
}

/**
 * The stamp of a new edit, always above the one it replaces (rule ST2). Where that one's time is not past, the edit takes the same time and the next
 * counter. So an edit that saw another wins over it, even if a clock is years off.
 *
 * @param previous the stamp of the register that the edit replaces
 * @param now milliseconds since 1970, corrected by the relay's clock
 */
export function nextStamp(previous: Stamp | undefined, now: number, session: number): Stamp {
  if (previous && previous[0] >= now) return [previous[0], previous[1] + 1, session]
  return [Math.max(0, Math.floor(now)), 0, session]
}

/** Whether an untrusted value is a stamp: three whole numbers from 0 to 2^53 - 1. */
export function isStamp(value: unknown): value is Stamp {
  return Array.isArray(value) && value.length === 3 && value.every((part) => Number.isSafeInteger(part) && part >= 0)
}
