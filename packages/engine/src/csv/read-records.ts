/** One record of a file: the cells of a line, or of several where quotes hold line ends. */
export interface CsvRecord {
  readonly cells: readonly string[]
  /** True where its quotes do not end as quotes do. Its cells are then those of its first line, as they stand. */
  readonly isBroken: boolean
}

/** No field holds a longer text, so a quoted cell that goes on in further lines beyond it is a quote that was never closed, with the rows after it inside. */
const maxQuotedCell = 32_000

/**
 * Cuts a text into records (RFC 4180). Where a quote is not closed, or not as quotes are, only its own line is broken: reading goes on with the next line. So one
 * stray quote never hides the rows below it.
 */
export class RecordReader {
  readonly #delimiter: string
  readonly #newline: '\n' | '\r'
  /** How many cells a record should have, once that is known. A record over several lines that has another number is a stray quote too. */
  width: number | undefined
  /** Where in the text last read the first record begins that may go on beyond it. */
  consumed = 0

  constructor(delimiter: string, newline: '\n' | '\r') {
    this.#delimiter = delimiter
    this.#newline = newline
  }

  /** @param isLast whether nothing comes after this text */
  *read(text: string, isLast: boolean): Generator<CsvRecord, void, void> {
    this.consumed = 0
    let quote = text.indexOf('"')
    for (let at = 0; at < text.length; this.consumed = Math.min(at, text.length)) {
      const end = text.indexOf(this.#newline, at)
      if (end < 0 && !isLast) return
      const lineEnd = endOr(text, end)
      if (quote >= 0 && quote < at) quote = text.indexOf('"', at)
      const found = quote < 0 || quote >= lineEnd ? undefined : this.#readQuoted(text, at, isLast)
      if (found === 'goes on') return
      const isBroken = found === 'broken' || (found !== undefined && found.end > lineEnd + 1 && !this.#fits(found.cells))
      if (found === undefined || found === 'broken' || isBroken) {
        yield { cells: this.#split(text, at, lineEnd), isBroken }
        at = lineEnd + 1
      } else {
        yield { cells: found.cells, isBroken }
        at = found.end
      }
    }
  }

  /** Spreadsheets often leave empty cells behind the last column. */
  #fits(cells: readonly string[]): boolean {
    const { width = cells.length } = this
    return cells.length >= width && cells.slice(width).every((cell) => cell.trim() === '')
  }

  #split(text: string, start: number, end: number): readonly string[] {
    const isReturn = this.#newline === '\n' && end > start && text[end - 1] === '\r'
    return text.slice(start, isReturn ? end - 1 : end).split(this.#delimiter)
  }

  #readQuoted(
    text: string,
    start: number,
    isLast: boolean,
  ): { readonly cells: readonly string[]; readonly end: number } | 'goes on' | 'broken' {
    const cells: string[] = []
    for (let from = start; ;) {
      if (text[from] !== '"') {
        const newline = endOr(text, text.indexOf(this.#newline, from))
        const delimiter = text.indexOf(this.#delimiter, from)
        if (delimiter >= 0 && delimiter < newline) {
          cells.push(text.slice(from, delimiter))
          from = delimiter + this.#delimiter.length
          continue
        }
        if (newline === text.length && !isLast) return 'goes on'
        const isReturn = this.#newline === '\n' && newline > from && text[newline - 1] === '\r'
        cells.push(text.slice(from, isReturn ? newline - 1 : newline))
        return { cells, end: newline + 1 }
      }
      const most = Math.max(from + maxQuotedCell, endOr(text, text.indexOf(this.#newline, from)))
      const close = closingQuote(text, from, most)
      if (close > most) return 'broken'
      // The last quote of a chunk may be the first of two.
      if (close + 2 >= text.length && !isLast) return 'goes on'
      if (close === text.length) return 'broken'
      cells.push(text.slice(from + 1, close).replaceAll('""', '"'))
      let next = close + 1
      while (text[next] === ' ') next++
      if (text[next] === '\r' && this.#newline === '\n') next++
      if (next >= text.length) return isLast ? { cells, end: next } : 'goes on'
      if (text[next] === this.#newline) return { cells, end: next + 1 }
      if (!text.startsWith(this.#delimiter, next)) return 'broken'
      from = next + this.#delimiter.length
    }
  }
}

/** The quote that ends the cell which begins with one at `from`; the length of the text where it is not there, and some quote beyond `most` if none comes before. */
function closingQuote(text: string, from: number, most: number): number {
  for (let at = from + 1; ;) {
    const quote = text.indexOf('"', at)
    if (quote < 0) return text.length
    if (text[quote + 1] !== '"' || quote > most) return quote
    at = quote + 2
  }
}

function endOr(text: string, at: number): number {
  return at < 0 ? text.length : at
}

const delimiters = [',', ';', '\t', '|']
const sampleRows = 20

/** Finds the delimiter that cuts the first rows of a text into the most equal numbers of cells; a comma where none cuts them. */
export function guessDelimiter(sample: string, newline: '\n' | '\r'): string {
  let best = { delimiter: ',', unevenness: Infinity, cells: 1 }
  for (const delimiter of delimiters) {
    const widths: number[] = []
    for (const { cells } of new RecordReader(delimiter, newline).read(sample, true)) {
      if (cells.some((cell) => cell.trim() !== '')) widths.push(cells.length)
      if (widths.length === sampleRows) break
    }
    const cells = widths.reduce((sum, width) => sum + width, 0) / Math.max(1, widths.length)
    const unevenness = widths.reduce((sum, width, index) => sum + Math.abs(width - (widths[index - 1] ?? width)), 0)
    if (cells < 1.5 || unevenness > best.unevenness || (unevenness === best.unevenness && cells <= best.cells)) continue
    best = { delimiter, unevenness, cells }
  }
  return best.delimiter
}
