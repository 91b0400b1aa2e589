/** How a language writes numbers. Apostrophes and spaces of all kinds are one sign each, as people type what their keyboard has. */
interface Signs {
  readonly decimal: string
  readonly group: string
  readonly digits: readonly string[]
}

const known = new Map<string, Signs>()

function signsOf(language: string): Signs {
  const present = known.get(language)
  if (present) return present
  const format = new Intl.NumberFormat(language, { useGrouping: true })
  const parts = format.formatToParts(11_111.5)
  const sign = (type: string): string => alike(parts.find((part) => part.type === type)?.value ?? '')
  const digit = new Intl.NumberFormat(language, { useGrouping: false })
  const signs = {
    decimal: sign('decimal') || '.',
    group: sign('group'),
    digits: Array.from({ length: 10 }, (_, each) => digit.format(each)),
  }
  known.set(language, signs)
  return signs
}

/** The sign before the decimal places, as files have it. Languages that write another one are read with a point. */
export function decimalSign(language: string): '.' | ',' {
  return signsOf(language).decimal === ',' ? ',' : '.'
}

const alike = (text: string): string =>
  text
    .replace(/[\s\u00a0\u202f]/g, ' ')
    .replaceAll('’', "'")
    .replaceAll('−', '-')

/**
 * Reads a typed number as exact decimal text, as the language writes it: with its decimal sign, and with its group signs where it would put them, or none. A plain
 * decimal such as 12.50 is understood too where the language would write no other number so. Everything else comes back as it is, so that the engine refuses it:
 * "12,50" is no number in English, and never 1250.
 */
export function readNumber(text: string, language: string): string {
  const { decimal, group, digits } = signsOf(language)
  const trimmed = text.trim()
  const typed = digits.reduce((read, digit, each) => read.replaceAll(digit, String(each)), alike(trimmed.replace(/\s*%$/, '')))
  const minus = typed.startsWith('-') ? '-' : ''
  const [whole = '', fraction, ...more] = typed.slice(minus.length).split(decimal)
  const bare = group === '' ? whole : whole.replaceAll(group, '')
  const isFraction = more.length === 0 && (fraction === undefined || /^\d+$/.test(fraction))
  if (isFraction && /^\d+$/.test(bare) && (bare === whole || whole === grouped(bare, language)))
    return `${minus}${bare}${fraction === undefined ? '' : `.${fraction}`}`
  return /^-?\d+(?:\.\d+)?$/.test(typed) ? typed : trimmed
}

/** A whole number with group signs, as the language puts them. */
function grouped(whole: string, language: string): string {
  const { digits } = signsOf(language)
  const written = new Intl.NumberFormat(language, { useGrouping: 'always' }).format(BigInt(whole))
  return digits.reduce((read, digit, each) => read.replaceAll(digit, String(each)), alike(written))
}

/** A stored number in the form in which the language's people type it: its decimal sign, and no groups. What is no number stays as it is. */
export function showTypedNumber(text: string, language: string): string {
  return /^-?\d+\.\d+$/.test(text) ? text.replace('.', signsOf(language).decimal) : text
}

/** Converts "2027-03-01T09:30", in this device's time zone, to an instant in UTC. */
export function readLocalInstant(text: string): string {
  const time = Date.parse(text)
  return Number.isNaN(time) ? text : new Date(time).toISOString()
}

/** Converts an instant to the form of `<input type="datetime-local">`. */
export function instantToLocal(instant: string): string {
  const time = Date.parse(instant)
  if (Number.isNaN(time)) return ''
  const shifted = new Date(time - new Date(time).getTimezoneOffset() * 60_000)
  return shifted.toISOString().slice(0, 16)
}
