import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Engine } from '@entente/engine'
import { setup, type Setup } from '@entente/engine/testing'
import type { ConnectionId } from '@entente/protocol'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compileExamples, exampleModule, makeExampleFolder } from './example-modules.js'

// The examples in the docstrings of the engine's API are one story, in this order. Each is compiled and run as it stands there.
const story = [
  'watch',
  'connections',
  'agreements',
  'records',
  'sharing',
  'people',
  'site',
  'mirrors',
  'changes',
  'differences',
  'sync',
  'recovery',
  'settings',
  'drafts',
  'undo',
  'history',
  'imports',
  'devices',
  'audit',
  'close',
] as const

const root = fileURLToPath(new URL('../../', import.meta.url))
const sources = join(root, 'packages/engine/src/api')

let folder = ''
let orgs: Setup
const examples = new Map<string, string>()

beforeAll(async () => {
  for (const [name, text] of await readExamples()) examples.set(name, text)
  folder = await makeExampleFolder('api-examples')
  await writeFile(join(folder, 'scene.ts'), sceneModule)
  for (const [name, text] of examples) await writeFile(join(folder, `${name}.ts`), asModule(text))
  orgs = await setup()
})

afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

describe('the examples in the docstrings of the API', () => {
  it('are one for each group, and for watch and close', () => {
    expect([...examples.keys()].toSorted()).toEqual([...story].toSorted())
  })

  it('compile', async () => {
    expect(await compileExamples(folder)).toBe('')
  })

  it.each(story)('%s does what its comments say', async (name) => {
    const text = examples.get(name) ?? ''
    const printed: string[] = []
    const log = (...values: readonly unknown[]): void => {
      printed.push(values.map(toText).join(' '))
    }
    const { vera, paul, finish } = orgs
    const scene: Scene = {
      vendor: vera,
      partner: paul,
      console: { log },
      get connection() {
        return connectionOf(vera)
      },
    }
    const module = (await import(/* @vite-ignore */ join(folder, `${name}.ts`))) as { readonly run?: (scene: Scene) => Promise<void> }
    if (module.run) await finish(module.run(scene))
    expect(printed).toEqual([...text.matchAll(/console\.log\(.*\) \/\/ (.*)$/gm)].map(([, expected]) => expected))
  })
})

describe('the docstrings of the API', () => {
  it('say for each method that gives a promise with which codes it rejects, and name codes that there are', async () => {
    const errors = await readFile(join(sources, '../error.ts'), 'utf8')
    const codes = new Set(errors.match(/(?<=\| ')\w+(?=')/g))
    const silent: string[] = []
    const unknown: string[] = []
    for (const { name, doc, signature } of await readMethods()) {
      const [, thrown = ''] = /@throws EngineError ([\s\S]*?)(?=\n@|$)/.exec(doc) ?? []
      if (signature.includes('Promise<') && thrown === '') silent.push(name)
      for (const code of thrown.match(/\b[A-Z][A-Z_]{2,}\b/g) ?? []) if (!codes.has(code)) unknown.push(`${name}: ${code}`)
    }
    expect({ silent, unknown }).toEqual({ silent: [], unknown: [] })
  })
})

function toText(value: unknown): string {
  if (typeof value === 'string') return value
  return value === undefined ? 'undefined' : JSON.stringify(value)
}

interface Scene {
  readonly vendor: Engine
  readonly partner: Engine
  readonly connection: ConnectionId
  readonly console: { log(...values: readonly unknown[]): void }
}

const sceneModule = `import type { Engine } from '@entente/engine'
import type { ConnectionId } from '@entente/protocol'

export interface Scene {
  readonly vendor: Engine
  readonly partner: Engine
  readonly connection: ConnectionId
  readonly console: { log(...values: readonly unknown[]): void }
}
`

/** An example as a module: one that exports something is a module already, of another the statements become a function of what they name. */
function asModule(text: string): string {
  if (text.includes('export ')) return text
  const names = ['vendor', 'partner', 'connection', 'console'].filter((name) => new RegExp(`\\b${name}\\b`).test(text))
  const imports = [`import type { Scene } from './scene.js'`, `import { until } from './watch.js'`]
  return exampleModule(text, { parameter: `{ ${names.join(', ')} }: Scene`, imports })
}

/** Docstrings with what they belong to, without their stars. */
async function readDocs(): Promise<readonly { readonly doc: string; readonly after: string }[]> {
  const docs: { doc: string; after: string }[] = []
  for (const name of await readdir(sources)) {
    const text = await readFile(join(sources, name), 'utf8')
    for (const { 0: comment, index } of text.matchAll(/\/\*\*[\s\S]*?\*\//g)) {
      const doc = comment.slice(3, -2).replaceAll(/^ *\* ?/gm, '')
      docs.push({ doc, after: text.slice(index + comment.length).trimStart() })
    }
  }
  return docs
}

/** Each example under the name of its method, or of the group whose interface it stands at. */
async function readExamples(): Promise<readonly (readonly [string, string])[]> {
  const docs = await readDocs()
  return docs.flatMap(({ doc, after }) => {
    const [, text] = /@example\n```ts\n([\s\S]*?)```/.exec(doc) ?? []
    const [, group, method] = /^(?:export interface (\w+)Api\b|(\w+)\()/.exec(after) ?? []
    return text === undefined ? [] : [[method ?? group?.toLowerCase() ?? after.slice(0, 40), text] as const]
  })
}

/** The methods of the API that have a docstring, each with its signature. */
async function readMethods(): Promise<readonly { readonly name: string; readonly doc: string; readonly signature: string }[]> {
  const docs = await readDocs()
  return docs.flatMap(({ doc, after }) => {
    const [, name] = /^(\w+)\(/.exec(after) ?? []
    return name === undefined ? [] : [{ name, doc, signature: after.split(/\n(?:\n|\})/, 1)[0] ?? '' }]
  })
}

function connectionOf(engine: Engine): ConnectionId {
  const found = engine.connections.list().find(({ state }) => state === 'Enabled')
  if (!found) throw new Error('the example of connections has not connected them')
  return found.id
}
