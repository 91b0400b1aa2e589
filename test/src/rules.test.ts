import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { citations, readDocuments, readSources } from './citations.js'

/** Its test runs each entry under the entry's own name, so a rule that the table cites is tested. */
const offerTable = 'relay-server/src/publish/judge-offer.ts'

describe('the rules of SPEC.md', async () => {
  const spec = await readFile(fileURLToPath(new URL('../../packages/protocol/SPEC.md', import.meta.url)), 'utf8')
  const rules = [...spec.matchAll(/\*\*([A-Z]{1,2}\d+)\*\*/g)].map(([, id]) => id ?? '')
  const files = await readSources()
  const isTest = (path: string): boolean => /(\.test\.ts|contract\.ts|\/contract\/[^/]+\.ts)$/.test(path) || path === offerTable
  const inTests = citations(files, isTest, idsOfTestNames)
  const inTables = citations(files, (path) => !path.endsWith('.test.ts'), idsOfTestNames)
  const inComments = citations(files, () => true, idsOfComments)
  const inDocuments = citations(await readDocuments(), () => true, idsOfComments)

  it('are numbered once each', () => {
    expect(rules.length).toBeGreaterThan(0)
    expect(rules.filter((id, at) => rules.indexOf(id) !== at)).toEqual([])
  })

  it('are each cited by a test', () => {
    expect(rules.filter((id) => !inTests.has(id))).toEqual([])
  })

  it('are all that tests cite', () => {
    expect(unknown(inTests)).toEqual([])
  })

  it('are all that the names in tables cite', () => {
    expect(inTables.size).toBeGreaterThan(0)
    expect(unknown(inTables)).toEqual([])
  })

  it('are all that comments and documents cite', () => {
    expect(inComments.size).toBeGreaterThan(0)
    expect(unknown(inComments)).toEqual([])
    expect(unknown(inDocuments)).toEqual([])
    expect(idsOfComments(spec).filter((id) => !rules.includes(id))).toEqual([])
  })

  function unknown(cited: ReadonlyMap<string, readonly string[]>): string[] {
    return [...cited].filter(([id]) => !rules.includes(id)).map(([id, paths]) => `${id} in ${paths.join(', ')}`)
  }
})

/** Like `it('[XX5] refuses …')`: in a name itself, or in a row of the table that names are made of, so always in quotes. */
function idsOfTestNames(source: string): string[] {
  return [...source.matchAll(/['"`][^'"`\n]*?\[((?:[A-Z]{1,2}\d+(?:, ?)?)+)\]/g)].flatMap(([, ids = '']) => ids.split(/, ?/))
}

/** Like "(rules XX1 to XX3)", with all in between, over the ends of lines too. */
function idsOfComments(source: string): string[] {
  const text = source.replaceAll(/\n\s*(?:\*|\/\/)?\s*/g, ' ')
  return [...text.matchAll(/\b[Rr]ules? ((?:[A-Z]{1,2}\d+(?: to |, | and )?)+)/g)].flatMap(([, list = '']) =>
    list.split(/, | and /).flatMap((part) => {
      const [first = '', last = first] = part.trim().split(' to ')
      const [from, to] = [Number(first.replace(/\D+/, '')), Number(last.replace(/\D+/, ''))]
      return first === '' ? [] : Array.from({ length: to - from + 1 }, (_, step) => first.replace(/\d+/, String(from + step)))
    }),
  )
}
