// Numbers as the page's language writes them. The page is in English; figures follow the browser.

const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 })
const tenths = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 })
const short = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 3 })

export function showCount(value: number): string {
  return whole.format(value)
}

/** A rate per second, with a decimal if it is small. */
export function showRate(value: number): string {
  return value < 100 ? tenths.format(value) : whole.format(value)
}

/** Milliseconds, as what people read: 0.4 ms, 12 ms, 3.2 s, 5 min, 4 h, 3 d. */
export function showSpan(ms: number): string {
  const steps = [
    [1_000, 1, 'ms'],
    [60_000, 1_000, 's'],
    [3_600_000, 60_000, 'min'],
    [172_800_000, 3_600_000, 'h'],
  ] as const
  for (const [below, unit, name] of steps) if (ms < below) return `${showSmall(ms / unit)} ${name}`
  return `${whole.format(ms / 86_400_000)} d`
}

function showSmall(value: number): string {
  return value < 10 ? tenths.format(value) : whole.format(value)
}

export function showBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']
  let value = bytes
  let unit = 0
  while (value >= 1_024 && unit < units.length - 1) {
    value /= 1_024
    unit++
  }
  return `${value >= 1_000 ? whole.format(value) : short.format(value)} ${units[unit]}`
}

/** A moment of today, to the second. */
export function showTime(at: number): string {
  return new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' }).format(at)
}

/** `1 session`, `2 sessions`. */
export function showCountOf(count: number, noun: string): string {
  return `${showCount(count)} ${noun}${count === 1 ? '' : 's'}`
}
