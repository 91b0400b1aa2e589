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

/** Waits one turn of the event loop, in which the page renders and responds. */
export function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0))
}
