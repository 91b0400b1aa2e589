import { refuseCsv, tooLargeCsv, maxCsvSize, type CsvRefused } from './csv-error.js'

/** What the platform decodes; the names are those of the Encoding Standard, as TextDecoder takes them. */
export type UnicodeEncoding = 'utf-8' | 'utf-16le' | 'utf-16be'

/** The encodings that are recognised, by their WHATWG names. */
export type CsvEncoding = UnicodeEncoding | 'windows-1252'

/** The platform's decoder: `(bytes, encoding) => new TextDecoder(encoding).decode(bytes)`. */
export type DecodeText = (bytes: Uint8Array, encoding: UnicodeEncoding) => string

/** A file as text, or why it is refused. */
export type DecodedCsv = { readonly ok: true; readonly text: string; readonly encoding: CsvEncoding } | CsvRefused

/**
 * Finds a file's encoding and decodes it. The byte order mark decides, then valid bytes of UTF-8. Everything else is Windows-1252, which holds all of
 * Latin-1 and is what old spreadsheets write. Refuses with SIZE a file over 50 MB, with ENCODING a binary file.
 *
 * @param forced the encoding that a person chose
 */
export function decodeCsvBytes(bytes: Uint8Array, decode: DecodeText, forced?: CsvEncoding): DecodedCsv {
  if (bytes.length > maxCsvSize) return tooLargeCsv
  const encoding = forced ?? detectEncoding(bytes)
  if (encoding === undefined) {
    return refuseCsv('ENCODING', 'The file is not a text file.', 'Save the table as CSV and choose that file.')
  }
  const text = encoding === 'windows-1252' ? decodeWindows1252(bytes) : decode(bytes, encoding)
  return { ok: true, text: text.startsWith('\ufeff') ? text.slice(1) : text, encoding }
}

function detectEncoding(bytes: Uint8Array): CsvEncoding | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le'
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be'
  // A text has no zero bytes; a spreadsheet's own file, an archive or a picture has one early on.
  if (bytes.subarray(0, 8192).includes(0)) return undefined
  return isUtf8(bytes) ? 'utf-8' : 'windows-1252'
}

/** The characters of bytes 0x80 to 0x9F; five bytes stand for nothing and stay the controls they are in Latin-1. */
const upperControls = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ'

/** Not every platform's decoder keeps to the standard here: Node 20 takes 0x80, the euro sign, for a control character. */
function decodeWindows1252(bytes: Uint8Array): string {
  const parts: string[] = []
  // fromCharCode takes its characters as arguments, of which there must not be too many at once.
  for (let at = 0; at < bytes.length; at += 4096) parts.push(String.fromCharCode(...bytes.subarray(at, at + 4096)))
  return parts.join('').replace(/[\x80-\x9f]/g, (control) => upperControls.charAt(control.charCodeAt(0) - 0x80))
}

/** True if the bytes are valid UTF-8: no stray or missing continuation bytes, no overlong forms, no surrogates, nothing above U+10FFFF. */
function isUtf8(bytes: Uint8Array): boolean {
  let at = 0
  while (at < bytes.length) {
    const lead = bytes[at] ?? 0
    at++
    if (lead < 0x80) continue
    const more = lead >= 0xc2 && lead <= 0xdf ? 1 : lead >= 0xe0 && lead <= 0xef ? 2 : lead >= 0xf0 && lead <= 0xf4 ? 3 : 0
    if (more === 0) return false
    const second = bytes[at] ?? 0
    const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80
    const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf
    if (second < low || second > high) return false
    for (let index = 1; index < more; index++) {
      if (((bytes[at + index] ?? 0) & 0xc0) !== 0x80) return false
    }
    at += more
  }
  return true
}
