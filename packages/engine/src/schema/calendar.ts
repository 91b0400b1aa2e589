// Calendar and clock texts after ISO 8601: dates "YYYY-MM-DD", times "HH:MM:SS.mmm", instants "YYYY-MM-DDTHH:MM:SS.mmmZ".

/** The first year of a date: Salesforce's range. Outside it other tools refuse dates or change them. */
export const firstYear = 1700
/** The last year of a date. */
export const lastYear = 4000

/** True for a day that exists, in years 1700 to 4000. */
export function isDate(text: string): boolean {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text)
  return match !== null && isDay(Number(match[1]), Number(match[2]), Number(match[3]))
}

/** True for a day of the Gregorian calendar within the years allowed. */
export function isDay(year: number, month: number, day: number): boolean {
  if (year < firstYear || year > lastYear || month < 1 || month > 12 || day < 1) return false
  return day <= daysInMonth(year, month)
}

/** Writes a day as "YYYY-MM-DD". */
export function formatDate(year: number, month: number, day: number): string {
  return `${String(year).padStart(4, '0')}-${twoDigits(month)}-${twoDigits(day)}`
}

/** Brings "9:30", "09:30:15" or "09:30:15.2" to "HH:MM:SS.mmm"; undefined for no time of day. */
export function normaliseTime(text: string): string | undefined {
  const match = /^(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,3}))?)?$/.exec(text)
  if (!match) return undefined
  const [, hours = '', minutes = '', seconds = '0', millis = '0'] = match
  if (Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) > 59) return undefined
  return `${hours.padStart(2, '0')}:${minutes}:${seconds.padStart(2, '0')}.${millis.padEnd(3, '0')}`
}

/**
 * Brings an ISO instant with an offset to UTC with milliseconds: "2017-03-01T09:30:00+01:00" → "2017-03-01T08:30:00.000Z".
 * Without an offset it is no instant: undefined.
 */
export function normaliseInstant(text: string): string | undefined {
  const match = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)\s?(Z|[+-]\d{2}:?\d{2})$/i.exec(text)
  if (!match) return undefined
  const [, date = '', clock = '', offset = ''] = match
  const time = normaliseTime(clock.replace(/(\.\d{3})\d+$/, '$1'))
  if (!isDate(date) || time === undefined) return undefined
  const minutes = offsetMinutes(offset)
  return minutes === undefined ? undefined : millisToInstant(localMillis(date, time) - minutes * 60_000)
}

/** True for a zone that this platform knows, such as "Europe/Berlin" or "UTC". */
export function isZone(zone: string): boolean {
  return zoneFormat(zone) !== undefined
}

/**
 * The instant at which a clock in `zone` (IANA name) shows this date and time. Undefined for an unknown zone or no date. A time that a clock change skips
 * moves on by the gap; one that comes twice is the first, as in the browser's own reading of local times.
 */
export function localToInstant(date: string, time: string, zone: string): string | undefined {
  const format = zoneFormat(zone)
  const local = localMillis(date, time)
  if (format === undefined || Number.isNaN(local)) return undefined
  // Clocks change at most once within two days, so the offset is one of these; before a change it is the earlier one.
  const [before, after] = [local - dayMillis, local + dayMillis].map((near) => local - (shownMillis(format, near) - near))
  if (before === undefined || after === undefined) return undefined
  const isSkippedOrEarlier = shownMillis(format, before) === local || shownMillis(format, after) !== local
  return millisToInstant(isSkippedOrEarlier ? before : after)
}

/** The date that a clock in `zone` (IANA name) shows at an instant. Undefined for an unknown zone or no instant. */
export function instantToDate(instant: string, zone: string): string | undefined {
  const format = zoneFormat(zone)
  const millis = Date.parse(instant)
  if (format === undefined || Number.isNaN(millis)) return undefined
  const shown = new Date(shownMillis(format, millis))
  return formatDate(shown.getUTCFullYear(), shown.getUTCMonth() + 1, shown.getUTCDate())
}

const dayMillis = 86_400_000

const zoneFormats = new Map<string, Intl.DateTimeFormat | undefined>()

/** Making a format costs 50 µs, using one 1 µs: each zone's is kept. */
function zoneFormat(zone: string): Intl.DateTimeFormat | undefined {
  if (zoneFormats.has(zone)) return zoneFormats.get(zone)
  let format: Intl.DateTimeFormat | undefined
  try {
    format = new Intl.DateTimeFormat('en-GB', {
      timeZone: zone,
      calendar: 'iso8601',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    })
  } catch {
    format = undefined
  }
  // Bounded, as zone names come from outside; a program uses a handful.
  if (zoneFormats.size < 1_000) zoneFormats.set(zone, format)
  return format
}

/** What the clock of a zone shows at an instant, as if it were UTC. */
function shownMillis(format: Intl.DateTimeFormat, millis: number): number {
  const parts = new Map(format.formatToParts(millis).map(({ type, value }) => [type, Number(value)]))
  const part = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0
  const whole = Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'))
  return whole + (((millis % 1000) + 1000) % 1000)
}

function localMillis(date: string, time: string): number {
  return Date.parse(`${date}T${time}Z`)
}

function millisToInstant(millis: number): string | undefined {
  const instant = new Date(millis).toISOString()
  return isDate(instant.slice(0, 10)) ? instant : undefined
}

function offsetMinutes(offset: string): number | undefined {
  if (/^z$/i.test(offset)) return 0
  const hours = Number(offset.slice(1, 3))
  const minutes = Number(offset.slice(-2))
  if (hours > 14 || minutes > 59) return undefined
  return (offset.startsWith('-') ? -1 : 1) * (hours * 60 + minutes)
}

function daysInMonth(year: number, month: number): number {
  if (month !== 2) return [4, 6, 9, 11].includes(month) ? 30 : 31
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28
}

function twoDigits(number: number): string {
  return String(number).padStart(2, '0')
}
