import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))

describe('the rules of SPEC.md', async () => {
  const spec = await readFile(`${root}packages/protocol/SPEC.md`, 'utf8')
  const rules = [...spec.matchAll(/\*\*([A-Z]{1,4}\d+)\*\*/g)].map(([, id]) => id ?? '')
  const cited = await citations()

  it('are numbered once each', () => {
    expect(rules.length).toBeGreaterThan(0)
    expect(rules.filter((id, at) => rules.indexOf(id) !== at)).toEqual([])
  })

  it('are each cited by a test', () => {
    expect(rules.filter((id) => !cited.has(id))).toEqual([])
  })

  it('are all that tests cite', () => {
    expect([...cited].filter(([id]) => !rules.includes(id)).map(([id, path]) => `${id} in ${path}`)).toEqual([])
  })
})

/** Rule ids in test names, like `it('[XX5] refuses …')`, each with a file that cites it. */
async function citations(): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (const path of await testFiles()) {
    const source = await readFile(root + path, 'utf8')
    // In a name itself, or in a row of the table that names are made of: always in quotes.
    for (const [, ids = ''] of source.matchAll(/['"`][^'"`\n]*?\[((?:[A-Z]{1,2}\d+(?:, ?)?)+)\]/g)) {
      for (const id of ids.split(/, ?/)) found.set(id, path)
    }
  }
  return found
}

async function testFiles(): Promise<string[]> {
  const rooms = ['packages/protocol', 'packages/engine', 'packages/browser', 'packages/elements', 'relay-server', 'web', 'test']
  const lists = await Promise.all(
    rooms.map(async (room) => {
      const files = await readdir(`${root}${room}/src`, { recursive: true }).catch(() => [])
      return files
        .filter((file) => /(\.test|contract)\.ts$/.test(file) && !file.endsWith('rules.test.ts'))
        .map((file) => `${room}/src/${file}`)
    }),
  )
  return lists.flat()
}
