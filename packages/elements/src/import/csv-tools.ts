import type * as engine from '@entente/engine'

/** The engine's functions for CSV, handed in by the page: elements import its types only, and a page without import does not load them. */
export interface CsvTools {
  readonly decodeCsvBytes: typeof engine.decodeCsvBytes
  readonly parseCsv: typeof engine.parseCsv
  readonly guessColumns: typeof engine.guessColumns
  readonly proposeCustomField: typeof engine.proposeCustomField
  readonly convertRows: typeof engine.convertRows
}

/** One turn of the page's loop, in which it draws and answers. */
export function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0))
}
