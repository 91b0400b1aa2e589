import type { CsvTools } from '@entente/elements'
import { convertRows, decodeCsvBytes, guessColumns, parseCsv, proposeCustomField, readCell, writeBadRows } from '@entente/engine'

/** What the import dialog needs of the engine. */
export const csvTools: CsvTools = { convertRows, decodeCsvBytes, guessColumns, parseCsv, proposeCustomField, readCell, writeBadRows }
