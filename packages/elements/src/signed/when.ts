import { formatAge, formatClock } from '../value/format.js'

/** Up to this age, in ms, a signature is fresh: a device that is online signs at least hourly. */
const freshFor = 65 * 60_000

export function isOld(time: number, now: number): boolean {
  return now - time > freshFor
}

/** "at 14:05", "on 28 Nov 2026, 14:05", or with its age: "3 hours ago, at 11:05". */
export function whenSigned(time: number, now: number, language: string): string {
  const { text, isToday } = formatClock(time, now, language)
  const at = `${isToday ? 'at' : 'on'} ${text}`
  return isOld(time, now) ? `${formatAge(time, now, language)}, ${at}` : at
}
