/**
 * The time and origin of an edit (rules ST1 to ST3). `time` is in milliseconds since 1970, by the device's clock, corrected by the relay's. `session` is a
 * random number of 53 bits per page load. Stamps are totally ordered: by time, then counter, then session.
 */
export type Stamp = readonly [time: number, counter: number, session: number]

/**
 * Below what a stamp from outside must stay (rule ST6): its time in ms since 1970, which reaches into the year 4199, and its counter. The time of anything
 * else that comes from outside stays below the same.
 */
export const stampBounds = { time: 2 ** 46, counter: 2 ** 24 } as const
/** A corrected clock stays at or below this, in ms since 1970 (the year 3084), so that a thousand years of stamps are above it. */
export const latestClock = 2 ** 45

/** A device's clock as stamps take it, whatever the device or a relay says of the time: whole milliseconds since 1970, at most 2^45 (rule ST6). */
export function boundClock(ms: number): number {
  return Math.floor(Math.min(Math.max(ms, 0), latestClock)) || 0
}

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
 * @param now milliseconds since 1970, corrected by the relay's clock; taken as `boundClock` gives it
 */
export function nextStamp(previous: Stamp | undefined, now: number, session: number): Stamp {
  const time = boundClock(now)
  if (!previous || previous[0] < time) return [time, 0, session]
  // After 16 million edits of one register within a millisecond, time moves on.
  return previous[1] + 1 < stampBounds.counter ? [previous[0], previous[1] + 1, session] : [previous[0] + 1, 0, session]
}

/** Whether an untrusted value is a stamp within the bounds (rule ST6): a time below 2^46, a counter below 2^24, a session below 2^53, all whole. */
export function isStamp(value: unknown): value is Stamp {
  if (!Array.isArray(value) || value.length !== 3) return false
  const [time, counter, session] = value as readonly unknown[]
  return isBelow(time, stampBounds.time) && isBelow(counter, stampBounds.counter) && isBelow(session, 2 ** 53)
}

function isBelow(value: unknown, bound: number): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) < bound
}
