import type * as engine from '@entente/engine'

/** The engine's functions for CSV, passed in by the page: elements import only its types, and a page without import does not load them. */
export interface CsvTools {
  readonly decodeCsvBytes: typeof engine.decodeCsvBytes
  readonly parseCsv: typeof engine.parseCsv
  readonly guessColumns: typeof engine.guessColumns
  readonly proposeCustomField: typeof engine.proposeCustomField
  readonly convertRows: typeof engine.convertRows
  readonly readCell: typeof engine.readCell
  readonly writeBadRows: typeof engine.writeBadRows
}

/** How long work may keep the page from drawing, in milliseconds. */
const longestMs = 10

/** Lets the page render and respond in the next turn of its event loop, unless it did a moment ago. */
export function pauses(): () => Promise<void> {
  let since = performance.now()
  return async () => {
    if (performance.now() - since < longestMs) return
    await new Promise((resolve) => setTimeout(resolve, 0))
    since = performance.now()
  }
}
