import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))
const rooms = ['packages/protocol', 'packages/engine', 'packages/browser', 'packages/elements', 'relay-server', 'web', 'test']

describe('the rules of SPEC.md', async () => {
  const spec = await readFile(`${root}packages/protocol/SPEC.md`, 'utf8')
  const rules = [...spec.matchAll(/\*\*([A-Z]{1,4}\d+)\*\*/g)].map(([, id]) => id ?? '')
  const files = await sources()
  const inTests = citations(files, (path) => /(\.test|contract)\.ts$/.test(path), idsOfTestNames)
  const inComments = citations(files, (path) => !path.endsWith('.test.ts'), idsOfComments)

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

  it('are all that comments cite', () => {
    expect(inComments.size).toBeGreaterThan(0)
    expect(unknown(inComments)).toEqual([])
  })

  function unknown(cited: ReadonlyMap<string, string>): string[] {
    return [...cited].filter(([id]) => !rules.includes(id)).map(([id, path]) => `${id} in ${path}`)
  }
})

/** Each cited id with a file that cites it. */
function citations(
  files: ReadonlyMap<string, string>,
  isMeant: (path: string) => boolean,
  idsOf: (source: string) => readonly string[],
): Map<string, string> {
  const found = new Map<string, string>()
  for (const [path, source] of files) {
    if (isMeant(path)) for (const id of idsOf(source)) found.set(id, path)
  }
  return found
}

/** Like `it('[XX5] refuses …')`: in a name itself, or in a row of the table that names are made of, so always in quotes. */
function idsOfTestNames(source: string): string[] {
  return [...source.matchAll(/['"`][^'"`\n]*?\[((?:[A-Z]{1,2}\d+(?:, ?)?)+)\]/g)].flatMap(([, ids = '']) => ids.split(/, ?/))
}

/** Like "(rules XX1 to XX3)", with all in between, over the ends of lines too. */
function idsOfComments(source: string): string[] {
  const text = source.replaceAll(/\n\s*(?:\*|\/\/)\s*/g, ' ')
  return [...text.matchAll(/\brules? ((?:[A-Z]{1,2}\d+(?: to |, | and )?)+)/g)].flatMap(([, list = '']) =>
    list.split(/, | and /).flatMap((part) => {
      const [first = '', last = first] = part.trim().split(' to ')
      const [from, to] = [Number(first.replace(/\D+/, '')), Number(last.replace(/\D+/, ''))]
      return first === '' ? [] : Array.from({ length: to - from + 1 }, (_, step) => first.replace(/\d+/, String(from + step)))
    }),
  )
}

/** The TypeScript of all rooms by its path, but for this file, whose comments cite rules that are none. */
async function sources(): Promise<Map<string, string>> {
  const lists = await Promise.all(
    rooms.map(async (room) => {
      const entries = await readdir(`${root}${room}/src`, { recursive: true, withFileTypes: true })
      return entries
        .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && entry.name !== 'rules.test.ts')
        .map((entry) => `${entry.parentPath}/${entry.name}`)
    }),
  )
  return new Map(await Promise.all(lists.flat().map(async (path) => [path.slice(root.length), await readFile(path, 'utf8')] as const)))
}
