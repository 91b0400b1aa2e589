import { describe, expect, it } from 'vitest'
import { maxCsvSize } from './csv-error.js'
import { decodeCsvBytes, type CsvEncoding, type UnicodeEncoding } from './decode.js'
import { parseCsv, type CsvTable, type ParseCsvOptions } from './parse.js'

async function tableOf(text: string | Iterable<string>, options: ParseCsvOptions = {}): Promise<CsvTable> {
  const parsed = await parseCsv(text, options)
  if (!parsed.ok) throw new Error(parsed.error.message)
  return parsed.table
}

function decode(bytes: Uint8Array, encoding: UnicodeEncoding): string {
  return new TextDecoder(encoding).decode(bytes)
}

function cells(table: CsvTable): readonly (readonly string[])[] {
  return table.rows.map((row) => row.cells)
}

function told(table: CsvTable): readonly string[] {
  return table.problems.map(({ severity, row, column, rule }) => `${severity} ${row} ${column} ${rule}`)
}

describe('a file is read whatever wrote it (row 62)', () => {
  it.each([
    ['commas', 'a,b\n1,2\n', ','],
    ['semicolons', 'a;b\n1;2\n', ';'],
    ['tabs', 'a\tb\n1\t2\n', '\t'],
    ['bars', 'a|b\n1|2\n', '|'],
    ['no line end at the end', 'a,b\n1,2', ','],
    ['CRLF', 'a,b\r\n1,2\r\n', ','],
    ['CR alone', 'a,b\r1,2\r', ','],
    ['mixed line ends', 'a,b\r\n1,2\n', ','],
    ['a byte order mark', '\ufeffa,b\n1,2\n', ','],
    ['Excel’s separator line', 'sep=;\r\na;b\r\n1;2\r\n', ';'],
    ['quotes around everything', '"a","b"\r\n"1","2"\r\n', ','],
    ['empty lines', '\n\na,b\n\n1,2\n\n \n', ','],
  ])('%s', async (_name, text, delimiter) => {
    const table = await tableOf(text)
    expect(table.columns.map(({ name }) => name)).toEqual(['a', 'b'])
    expect(cells(table)).toEqual([['1', '2']])
    expect(table.delimiter).toBe(delimiter)
    expect(table.problems).toEqual([])
  })

  it('with delimiters, quotes and lines inside quotes', async () => {
    const table = await tableOf('a,b\r\n"1,5","say ""hi"""\r\n"two\nlines",x\r\n')
    expect(cells(table)).toEqual([
      ['1,5', 'say "hi"'],
      ['two\nlines', 'x'],
    ])
  })

  it('in chunks cut anywhere, with the same result', async () => {
    const text = 'a,b\r\n"1,5","say ""hi"""\r\n"two\r\nlines",ü\r\n'
    const whole = await tableOf(text)
    expect(await tableOf(text.split(''))).toEqual(whole)
    expect(whole.rows.map(({ row }) => row)).toEqual([2, 3])
  })

  it('in many slices, pausing between them, with rows counted through', async () => {
    let pauses = 0
    const line = `${'x'.repeat(60)},"quo\nted"\n`
    const table = await tableOf(`a,b\n${line.repeat(20_000)}`, {
      pause: async () => {
        pauses++
      },
    })
    expect(pauses).toBeGreaterThan(3)
    expect(table.rows).toHaveLength(20_000)
    expect(table.rows.at(-1)).toEqual({ row: 20_001, cells: ['x'.repeat(60), 'quo\nted'] })
  })

  it('with lines about the file above its header', async () => {
    const table = await tableOf('# Exported from Vendor\r\n"# 2 records, all open"\r\na,b\r\n1,2\r\n')
    expect(table.metadata).toEqual(['Exported from Vendor', '2 records, all open'])
    expect(table.rows).toEqual([{ row: 4, cells: ['1', '2'] }])
  })
})

describe('what is wrong is told by row (row 62)', () => {
  it('too many cells, too few cells, and empty cells behind the end', async () => {
    const table = await tableOf('a,b,c\n1,2,3\n1,2,3,4\n1,2\n\n1,2,3,,\n')
    expect(told(table)).toEqual(['error 3  cell count', 'error 4  cell count'])
    expect(table.rows.map(({ row }) => row)).toEqual([2, 6])
    expect([table.rowCount, table.emptyRows]).toEqual([4, 1])
  })

  it('duplicate and missing headers get names of their own', async () => {
    const table = await tableOf('Amount,,amount,Amount (2)\n1,2,3,4\n')
    expect(table.columns.map(({ name }) => name)).toEqual(['Amount', 'Column 2', 'amount (2)', 'Amount (2) (2)'])
    expect(told(table)).toEqual([
      'warning 1 Column 2 header present',
      'warning 1 amount (2) header unique',
      'warning 1 Amount (2) (2) header unique',
    ])
  })

  it('five hundred headers of one name get names of their own at once', async () => {
    const before = process.cpuUsage()
    const table = await tableOf(`${Array.from({ length: 500 }, () => 'n'.repeat(255)).join()}\n${'1,'.repeat(499)}1\n`)
    expect(table.columns.at(-1)?.name).toBe(`${'n'.repeat(255)} (500)`)
    // In microseconds; a search for each from the first on takes over a second.
    expect(process.cpuUsage(before).user).toBeLessThan(300_000)
  })

  it('a header that is data', async () => {
    const table = await tableOf('Acme,1054\nBeta,12\n')
    expect(told(table)).toEqual(['warning 1  header present'])
    expect(cells(await tableOf('Acme,1054\nBeta,12\n', { header: false }))).toHaveLength(2)
  })

  it('the wrong delimiter', async () => {
    expect(told(await tableOf('a;b\n1;2\n', { delimiter: ',' }))).toEqual(['warning 1  delimiter'])
  })

  it('a quote that is not doubled, and one that never closes', async () => {
    const stray = await tableOf('a,b\n"x"y,1\n2,3\n')
    expect(told(stray)).toContain('error 2  quotes')
    const open = await tableOf('a,b\n1,2\n3,"never closed\n4,5\n')
    expect(told(open)).toEqual(['error 3  quotes'])
    expect(cells(open)).toEqual([
      ['1', '2'],
      ['4', '5'],
    ])
    expect(open.badRows).toEqual([{ row: 3, cells: ['3', '"never closed'] }])
  })

  it.each([
    ['that never ends', 'x101,"never closed'],
    ['that a quote further down seems to end', 'x101,"closed by the next'],
  ])('a quote at row 101 of 10,000 %s costs that row and no other (row 110)', async (_what, line) => {
    const rows = Array.from({ length: 10_000 }, (_none, index) =>
      index === 99 ? line : index === 4_999 ? `x,"q ""uoted"""` : `x${index},1`,
    )
    const table = await tableOf(`a,b\n${rows.join('\r\n')}\r\n`)
    expect(told(table)).toEqual(['error 101  quotes'])
    expect([table.rowCount, table.rows.length]).toEqual([10_000, 9_999])
    expect(table.rows.at(-1)).toEqual({ row: 10_001, cells: ['x9999', '1'] })
    expect(table.rows[4_998]?.cells).toEqual(['x', 'q "uoted"'])
  })

  it('a stray quote in each row costs time by the row, not by the square', async () => {
    const before = process.cpuUsage()
    const table = await tableOf(`a,b\n${'x,"5 inch\n'.repeat(40_000)}`)
    expect(table.problems).toHaveLength(40_000)
    // In microseconds; each row read to the end of the file takes minutes.
    expect(process.cpuUsage(before).user).toBeLessThan(3_000_000)
  })
})

it('a broken quote is told at its own row, far into a long file', async () => {
  const table = await tableOf(`a,b\n${`${'x'.repeat(98)},1\n`.repeat(9_000)}"x"y,1\n2,3\n`)
  expect(told(table).filter((text) => text.includes('quotes'))).toEqual(['error 9002  quotes'])
})

describe('what is no table is refused', () => {
  it.each([
    ['nothing', '', 'EMPTY'],
    ['blank lines', '\n \n', 'EMPTY'],
    ['a header alone', 'a,b\n', 'EMPTY'],
    ['too many columns', `${','.repeat(500)}\n1`, 'HEADER'],
  ])('%s', async (_name, text, code) => {
    expect(await parseCsv(text.replace(/^,/, 'x,'))).toMatchObject({ ok: false, error: { code } })
  })

  it('more than 50 MB, as soon as it is known (row 62)', async () => {
    let taken = 0
    function* endless(): Generator<string> {
      for (;;) {
        taken++
        yield `x,${'y'.repeat(1024 * 1024 - 3)}\n`
      }
    }
    expect(await parseCsv(endless())).toMatchObject({ ok: false, error: { code: 'SIZE' } })
    expect(taken).toBe(51)
    expect(await parseCsv('x\n'.repeat(1_000_002))).toMatchObject({ ok: false, error: { code: 'SIZE' } })
    expect(decodeCsvBytes(new Uint8Array(maxCsvSize + 1), decode)).toMatchObject({ ok: false, error: { code: 'SIZE' } })
  })
})

describe('bytes become text (row 62)', () => {
  it.each<[string, readonly number[], CsvEncoding, string]>([
    ['UTF-8', [...new TextEncoder().encode('Zürich 😀 €')], 'utf-8', 'Zürich 😀 €'],
    ['UTF-8 with a mark', [0xef, 0xbb, 0xbf, 0x61], 'utf-8', 'a'],
    ['UTF-16 little-endian', [0xff, 0xfe, 0x61, 0x00, 0xfc, 0x00], 'utf-16le', 'aü'],
    ['UTF-16 big-endian', [0xfe, 0xff, 0x00, 0x61, 0x00, 0xfc], 'utf-16be', 'aü'],
    ['Latin-1', [0x5a, 0xfc, 0x72, 0x69, 0x63, 0x68], 'windows-1252', 'Zürich'],
    ['the euro sign of old spreadsheets', [0x80, 0x35], 'windows-1252', '€5'],
    ['a cut UTF-8 character', [0x61, 0xc3], 'windows-1252', 'aÃ'],
    ['an overlong slash', [0xc0, 0xaf], 'windows-1252', 'À¯'],
    ['half a surrogate pair', [0xed, 0xa0, 0x80], 'windows-1252', 'í\u00a0€'],
  ])('%s', (_name, bytes, encoding, text) => {
    expect(decodeCsvBytes(Uint8Array.from(bytes), decode)).toEqual({ ok: true, text, encoding })
  })

  it('a spreadsheet’s own file is no text', () => {
    expect(decodeCsvBytes(Uint8Array.from([0x50, 0x4b, 3, 4, 0, 0]), decode)).toMatchObject({ ok: false, error: { code: 'ENCODING' } })
  })

  it('in the encoding that Vera chose', () => {
    expect(decodeCsvBytes(Uint8Array.from([0xc3, 0xbc]), decode, 'windows-1252')).toMatchObject({ text: 'Ã¼' })
  })
})
