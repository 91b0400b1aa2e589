/**
 * Reads a typed number as exact decimal text, with the group and decimal signs of the language. A text that is no number comes back as it is, so that the engine
 * can say what is wrong with it.
 */
export function readNumber(text: string, language: string): string {
  const parts = new Intl.NumberFormat(language).formatToParts(-11_111.5)
  const sign = (type: string): string => parts.find((part) => part.type === type)?.value ?? ''
  const trimmed = text.trim()
  // A plain decimal is valid in every language: files and other screens show it.
  if (/^-?\d+(?:\.\d+)?$/.test(trimmed)) return trimmed
  const plain = trimmed
    .replace(/[\s\u00a0\u202f%]/g, '')
    .replaceAll(sign('group') || ',', '')
    .replace(sign('decimal') || '.', '.')
    .replace('−', '-')
  return /^-?\d+(?:\.\d+)?$/.test(plain) ? plain : trimmed
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
