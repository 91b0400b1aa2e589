/**
 * Spreadsheets run a cell that begins with one of these as a formula, which can call out or start programs. An apostrophe in front makes
 * it a text. Cells that already have apostrophes before such a character get one more, so that reading back is exact.
 */
const dangerous = /^'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/

export function escapeFormula(text: string): string {
  return dangerous.test(text) ? `'${text}` : text
}

/** Takes back what escapeFormula did; other texts stay as they are. */
export function unescapeFormula(text: string): string {
  return text.startsWith("'") && dangerous.test(text) ? text.slice(1) : text
}
