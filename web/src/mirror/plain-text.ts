/** More than a screenful of one value helps nobody, and a hundred thousand characters in one cell freeze a page. */
const mostShown = 2_000

/** Characters that change what is seen without being seen: controls, direction marks and overrides, zero-width ones. Joiners stay where scripts need them. */
const hidden =
  /(?![\t\n\r])\p{Cc}|[\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]|(?<![^\p{ASCII}\p{Script=Latin}])[\u200c\u200d]/gu

/** A text from another org, fit to be shown: clipped without breaking a character, hidden characters by their number. */
export function plainText(text: string, most = mostShown): string {
  const end = /[\ud800-\udbff]/.test(text.charAt(most - 1)) ? most - 1 : most
  const clipped = text.length > most ? `${text.slice(0, end)}…` : text
  return clipped.replace(hidden, (character) => `⟨U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}⟩`)
}
