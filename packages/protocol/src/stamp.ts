/**
 * When and where a register was set: time (milliseconds, the device's clock corrected by the relay's), a counter, and the session (a
 * random number of 53 bits per page load). Totally ordered in that order (rules ST1 to ST3).
 */
export type Stamp = readonly [time: number, counter: number, session: number]

/** Below every stamp of an edit. */
export const zeroStamp: Stamp = [0, 0, 0]

/** Negative where `a` is below `b`, 0 where they are the same, positive where `a` is above. */
export function compareStamps(a: Stamp, b: Stamp): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2]
}

/**
 * The stamp of a new edit: always above the one it replaces. Where that one's time is not in the past, the edit takes the same time and
 * the next counter, so that an edit that saw another wins over it even if a clock is years off.
 */
export function nextStamp(previous: Stamp | undefined, now: number, session: number): Stamp {
  if (previous && previous[0] >= now) return [previous[0], previous[1] + 1, session]
  return [Math.max(0, Math.floor(now)), 0, session]
}

/** Whether a value from outside is a stamp: three whole numbers from 0 to 2^53 - 1. */
export function isStamp(value: unknown): value is Stamp {
  return Array.isArray(value) && value.length === 3 && value.every((part) => Number.isSafeInteger(part) && part >= 0)
}
