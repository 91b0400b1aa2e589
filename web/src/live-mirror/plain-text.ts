/** Longest text shown. More than a screenful helps nobody, and a hundred thousand characters in one cell freeze a page. */
const mostShown = 2_000

/** Invisible characters that change the visible text: controls, direction marks and overrides, zero-width ones. Joiners stay where scripts need them. */
const hidden =
  /(?![\t\n\r])\p{Cc}|[\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]|(?<![^\p{ASCII}\p{Script=Latin}])[\u200c\u200d]/gu

/** Makes a text from another org safe to show: clips it without breaking a character, and shows hidden characters by their number. */
export function plainText(text: string, most = mostShown): string {
  const end = /[\ud800-\udbff]/.test(text.charAt(most - 1)) ? most - 1 : most
  const clipped = text.length > most ? `${text.slice(0, end)}…` : text
  return clipped.replace(hidden, (character) => `⟨U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}⟩`)
}
