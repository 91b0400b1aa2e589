/** Why a whole file is refused. What is wrong with single rows is a CsvProblem. */
export type CsvErrorCode =
  /** Larger than 50 MB. */
  | 'SIZE'
  /** Nothing in it, or no row under the header. */
  | 'EMPTY'
  /** Not a text file. */
  | 'ENCODING'
  /** The header cannot be read as the names of columns. */
  | 'HEADER'

export interface CsvError {
  readonly code: CsvErrorCode
  readonly message: string
  readonly fix: string
}

export interface CsvRefused {
  readonly ok: false
  readonly error: CsvError
}

/**
 * Something about one row or column. An error makes its row bad; a warning is only told.
 * Rows count as a spreadsheet shows them: the header of a plain file is row 1. Row 0 is the mapping itself.
 */
export interface CsvProblem {
  readonly severity: 'error' | 'warning'
  readonly row: number
  /** The column's name, or '' where the whole row is meant. */
  readonly column: string
  readonly rule: string
  readonly message: string
  readonly fix: string
}

export function refuseCsv(code: CsvErrorCode, message: string, fix: string): CsvRefused {
  return { ok: false, error: { code, message, fix } }
}

/** The largest file that is read, in bytes (and in characters, once it is text). */
export const maxCsvSize = 50 * 1024 * 1024

export const tooLargeCsv = refuseCsv('SIZE', 'The file is larger than 50 MB.', 'Split it into several files.')
