/** Why a whole file is refused. The set is closed, and `docs/errors.md` has a heading for each code. A bad row is a `CsvProblem`. */
export type CsvErrorCode =
  /** Larger than 50 MB. */
  | 'SIZE'
  /** Nothing in it, or no row under the header. */
  | 'EMPTY'
  /** Not a text file. */
  | 'ENCODING'
  /** The header cannot be read as the names of columns. */
  | 'HEADER'

/** Why a file is refused, and what to do. It is data, not an exception, and holds nothing of the file. */
export interface CsvError {
  readonly code: CsvErrorCode
  readonly message: string
  readonly fix: string
}

/** The failing half of a result about a file. */
export interface CsvRefused {
  readonly ok: false
  readonly error: CsvError
}

/**
 * One finding about a row or a column. An error makes its row bad; a warning does not. Rows count as a spreadsheet shows them: the header of a plain file
 * is row 1. Row 0 is the mapping itself.
 */
export interface CsvProblem {
  readonly severity: 'error' | 'warning'
  readonly row: number
  /** The column's name, or '' for the whole row. */
  readonly column: string
  readonly rule: string
  readonly message: string
  readonly fix: string
}

/** Makes the failing half of a result. */
export function refuseCsv(code: CsvErrorCode, message: string, fix: string): CsvRefused {
  return { ok: false, error: { code, message, fix } }
}

/** The largest file that is read: 50 MB, in bytes, and in UTF-16 code units once it is text. */
export const maxCsvSize = 50 * 1024 * 1024

/** The refusal of a file that is too large. */
export const tooLargeCsv = refuseCsv('SIZE', 'The file is larger than 50 MB.', 'Split it into several files.')
