import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { citations, readSources } from './citations.js'

/** Rows that nothing keeps yet, which the document says of them. */
const withoutTest = [50]

describe('docs/bad-input.md', async () => {
  const text = await readFile(fileURLToPath(new URL('../../docs/bad-input.md', import.meta.url)), 'utf8')
  const rows = [...text.matchAll(/^\| (\d+) \| .+ \| (.+) \|$/gm)].map(([, number, shown = '']) => ({
    number: Number(number),
    isOpen: shown === 'no test',
    files: [...shown.matchAll(/`([^`]+)`/g)].map(([, file = '']) => file),
  }))
  const cited = citations(await readSources(), (path) => path.endsWith('.test.ts'), rowsOfTestNames)
  const citing = (row: number): readonly string[] => (cited.get(String(row)) ?? []).map((path) => basename(path))

  it('numbers its rows in order, each once', () => {
    const numbers = rows.map(({ number }) => number)
    expect(numbers.slice(0, 73)).toEqual(Array.from({ length: 73 }, (_, index) => index + 1))
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b))
  })

  it('has each row cited by the tests that it names, and by none where it names none', () => {
    expect(rows.filter(({ isOpen }) => isOpen).map(({ number }) => number)).toEqual(withoutTest)
    for (const { number, isOpen, files } of rows) {
      expect(files.length > 0, `row ${number} names tests`).toBe(!isOpen)
      expect(
        files.filter((file) => !citing(number).includes(file)),
        `files that do not cite row ${number}`,
      ).toEqual([])
      if (isOpen) expect(citing(number), `row ${number}`).toEqual([])
    }
  })

  it('has each row that tests cite', () => {
    expect(cited.size).toBeGreaterThan(0)
    expect([...cited].filter(([row]) => !rows.some(({ number }) => String(number) === row))).toEqual([])
  })
})

/** Like `it('refuses … (rows 14, 34)')`, with all in between in "(rows 63 to 66)". */
function rowsOfTestNames(source: string): string[] {
  return [...source.matchAll(/\(rows? (\d[\d, to]*)\)/g)].flatMap(([, list = '']) =>
    list.split(', ').flatMap((part) => {
      const [first = 0, last = first] = part.split(' to ').map(Number)
      return Array.from({ length: last - first + 1 }, (_, step) => String(first + step))
    }),
  )
}
