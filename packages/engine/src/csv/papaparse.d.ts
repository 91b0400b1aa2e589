/**
 * The part of papaparse that is used here. Its published types bring Node's and the page's types along, which this room must not see.
 */
declare module 'papaparse' {
  interface Settings {
    readonly delimiter?: string
    readonly newline?: '\n' | '\r' | '\r\n'
    readonly preview?: number
    readonly skipEmptyLines?: 'greedy'
  }
  interface Outcome {
    readonly data: readonly (readonly string[])[]
    readonly errors: readonly { readonly code: string; readonly row?: number }[]
    readonly meta: { readonly delimiter: string; readonly cursor: number }
  }
  interface RowParser {
    /** With `ignoreLastRow`, `meta.cursor` says where the first row begins that was not complete. */
    parse(input: string, baseIndex: number, ignoreLastRow: boolean): Outcome
  }
  const papaparse: {
    parse(input: string, settings: Settings): Outcome
    readonly Parser: new (settings: Settings) => RowParser
  }
  export default papaparse
}
