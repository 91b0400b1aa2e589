import { html, type TemplateResult } from 'lit'

/** Longest text shown. More than a screenful helps nobody, and a hundred thousand characters in one cell freeze a page. */
const maxShown = 2_000

/**
 * Invisible characters that change the visible text: controls (Cc, but not tab and line ends), direction marks, overrides and isolates, zero-width
 * ones. Joiners stay where they are needed: in emoji and in scripts whose letters join.
 */
const hidden =
  /(?![\t\n\r])\p{Cc}|[\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]|(?<![^\p{ASCII}\p{Script=Latin}])[\u200c\u200d]/gu

/** Cuts without leaving half of a surrogate pair. */
export function clipText(text: string, most: number = maxShown): string {
  if (text.length <= most) return text
  const end = /[\ud800-\udbff]/.test(text.charAt(most - 1)) ? most - 1 : most
  return `${text.slice(0, end)}…`
}

/**
 * Shows a text from anywhere as plain text: never markup, its direction isolated from its surroundings, hidden characters by their number, clipped.
 */
export function showText(text: string, most: number = maxShown): TemplateResult {
  const clipped = clipText(text, most)
  const parts: (string | TemplateResult)[] = []
  let from = 0
  for (const match of clipped.matchAll(hidden)) {
    parts.push(clipped.slice(from, match.index), mark(match[0]))
    from = match.index + match[0].length
  }
  if (from === 0) return html`<bdi>${clipped}</bdi>`
  parts.push(clipped.slice(from))
  return html`<bdi>${parts}</bdi>`
}

/** The same for places that take only plain text, such as options and titles. */
export function plainText(text: string, most = 200): string {
  return clipText(text, most).replace(hidden, (character) => `⟨${nameOf(character)}⟩`)
}

function mark(character: string): TemplateResult {
  return html`<span class="mark" title="Hidden character">${nameOf(character)}</span>`
}

function nameOf(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`
}
