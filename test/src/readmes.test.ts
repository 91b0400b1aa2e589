import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Engine } from '@entente/engine'
import { ManualClock, MemoryBrowser, MemoryRelay, MemoryStore, seededRandom } from '@entente/engine/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compileExamples, exampleModule, makeExampleFolder } from './example-modules.js'

const root = fileURLToPath(new URL('../../', import.meta.url))
const packages = ['packages/protocol', 'packages/engine', 'packages/browser', 'packages/elements', 'relay-server'] as const
type Package = (typeof packages)[number]

/** What an example takes from the page or program around it, with its type. */
const surroundings: { readonly [Name in Package]?: Readonly<Record<string, string>> } = {
  'packages/engine': {
    store: "import('@entente/engine').Store",
    openSocket: "import('@entente/engine').OpenSocket",
    clock: "import('@entente/engine').Clock",
    random: "import('@entente/engine').RandomBytes",
    tabs: "import('@entente/engine').Tabs",
    render: "(topics: ReadonlySet<import('@entente/engine').Topic>) => void",
  },
  'packages/elements': { engine: "import('@entente/engine').Engine" },
}

type Run = (around: Readonly<Record<string, unknown>>) => Promise<Readonly<Record<string, unknown>>>

describe('the examples of the packages’ READMEs', () => {
  let folder: string
  const fileOf = (name: Package): string => join(folder, `${name.replace('/', '-')}.ts`)
  const load = async (name: Package): Promise<Run> =>
    ((await import(/* @vite-ignore */ pathToFileURL(fileOf(name)).href)) as { readonly run: Run }).run

  beforeAll(async () => {
    folder = await makeExampleFolder('readmes', { noUnusedLocals: true })
    const write = async (name: Package): Promise<void> =>
      writeFile(fileOf(name), asModule(name, await readFile(join(root, name, 'README.md'), 'utf8')))
    await Promise.all(packages.map(write))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('compile', { timeout: 120_000 }, async () => {
    expect(await compileExamples(folder)).toBe('')
  })

  it('run for the protocol', async () => {
    expect(await (await load('packages/protocol'))({})).toMatchObject({ frame: expect.any(Uint8Array) })
  })

  it('run for the engine', async () => {
    const clock = new ManualClock()
    const random = seededRandom(1)
    const relay = new MemoryRelay({ clock, random })
    const shown: unknown[] = []
    const around = { store: new MemoryStore(), openSocket: relay.openSocket, clock, random, tabs: new MemoryBrowser().open() }
    const { engine, id } = await (await load('packages/engine'))({ ...around, render: (topics: unknown) => shown.push(topics) })
    const { records, close } = engine as Engine
    expect(records.list('Lead').records.map((record) => record.id)).toEqual([id])
    await close()
  })

  it('run for the relay', async () => {
    const before = process.cwd()
    const directory = await mkdtemp(join(tmpdir(), 'entente-readme-'))
    process.chdir(directory)
    try {
      expect(await (await load('relay-server'))({})).toMatchObject({ relay: { port: expect.any(Number) } })
    } finally {
      process.chdir(before)
      await rm(directory, { recursive: true, force: true })
    }
  })
})

/** The example as the body of a function that is given what is around it and gives back what it names. */
function asModule(name: Package, readme: string): string {
  const [, example] = /```ts\n([\s\S]*?)```/.exec(readme) ?? []
  if (example === undefined) throw new Error(`${name}/README.md has no example`)
  const names = example.split('\n').flatMap((line) => /^const (?:[{[] ?(\w+) ?[}\]]|(\w+)) =/.exec(line)?.slice(1).filter(Boolean) ?? [])
  const around = Object.entries(surroundings[name] ?? {})
  const parameter = `{ ${around.map(([one]) => one).join(', ')} }: { ${around.map(([one, type]) => `${one}: ${type}`).join('; ')} }`
  return exampleModule(example, { parameter, end: [`return { ${names.join(', ')} }`] })
}
