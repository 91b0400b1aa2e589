import { describe, expect, it } from 'vitest'
import type { Engine } from './api/index.js'
import { methodsByGroup } from './boundary.js'
import { EngineError } from './error.js'
import { apiArguments } from './testing/api-arguments.js'
import { setup } from './testing/index.js'

/** What a page might pass by mistake, or a script that means harm. Each is made anew for each call. */
const hostile: readonly (readonly [name: string, make: () => unknown])[] = [
  ['null', () => null],
  ['undefined', () => undefined],
  ['a number', () => 7],
  ['no number', () => Number.NaN],
  ['an empty text', () => ''],
  ['a text of a million characters', () => 'x'.repeat(1_000_000)],
  ['an inherited name', () => 'constructor'],
  ['a prototype', () => '__proto__'],
  ['an object of the engine’s own', () => 'Connection'],
  ['an empty object', () => ({})],
  ['an empty list', () => []],
  ['a list of nothing', () => [undefined, null]],
  ['a list of 200,000', () => Array.from({ length: 200_000 }, () => 'x')],
  ['a hostile key', () => JSON.parse('{"__proto__": {"a": 1}, "constructor": 1, "objects": {"__proto__": {"fields": []}}}') as unknown],
  ['a value that holds itself', circle],
  ['a value nested deep', () => JSON.parse(`${'['.repeat(500)}${']'.repeat(500)}`) as unknown],
  ['a getter that throws', () => Object.defineProperty({}, 'fields', { enumerable: true, get: () => fail() })],
  ['a proxy that throws', () => new Proxy({}, { get: () => fail(), ownKeys: () => fail(), getPrototypeOf: () => fail() })],
  ['a symbol', () => Symbol('x')],
  ['a function', () => () => undefined],
  ['a date', () => new Date(0)],
]

function circle(): unknown {
  const value: Record<string, unknown> = { match: 'all', conditions: [], added: [], hidden: [], objects: {} }
  value['self'] = value
  return value
}

function fail(): never {
  throw new TypeError('a secret of the page')
}

/** Whether a hostile argument is one that this place may well take. */
const takes = (call: string, place: number, name: string): boolean =>
  // Nothing is what an argument that may be left out is most of the time.
  (name === 'undefined' &&
    ['records.list 1', 'records.create 2', 'records.createMany 2', 'agreements.suggest 2', 'site.listings 2'].includes(
      `${call} ${place}`,
    )) ||
  (name === 'a function' && `${call} ${place}` === 'records.createMany 2') ||
  (name === 'an empty object' &&
    ['records.list 1', 'records.edit 2', 'site.listings 2', 'settings.change 0'].includes(`${call} ${place}`)) ||
  (name === 'an empty list' && ['records.createMany 1', 'agreements.suggest 2', 'agreements.preflight 2'].includes(`${call} ${place}`)) ||
  (name === 'a number' && ['people.setSeats 1', 'sync.settled 0'].includes(`${call} ${place}`)) ||
  (name === 'a value that holds itself' &&
    ['records.list 1', 'site.listings 2', 'sharing.setRule 2', 'sharing.count 2'].includes(`${call} ${place}`)) ||
  (name === 'a date' && ['records.list 1', 'records.edit 2', 'site.listings 2'].includes(`${call} ${place}`)) ||
  (['an inherited name', 'a prototype', 'an object of the engine’s own'].includes(name) && `${call} ${place}` === 'people.addUser 0') ||
  (['an empty text', 'an inherited name', 'a prototype', 'an object of the engine’s own'].includes(name) &&
    `${call} ${place}` === 'connections.rename 1') ||
  (['an empty text', 'an inherited name', 'a prototype', 'an object of the engine’s own'].includes(name) &&
    `${call} ${place}` === 'records.create 2') ||
  (name === 'a hostile key' && ['records.list 1', 'site.listings 2'].includes(`${call} ${place}`))

async function outcomeOf(engine: Engine, group: string, method: string, args: readonly unknown[]): Promise<unknown> {
  const call = (engine as unknown as Readonly<Record<string, Readonly<Record<string, (...all: readonly unknown[]) => unknown>>>>)[group]?.[
    method
  ]
  try {
    await call?.(...args)
    return undefined
  } catch (error) {
    return error
  }
}

const methods = Object.entries(methodsByGroup).flatMap(([group, kinds]) => Object.keys(kinds).map((method) => [group, method] as const))

describe('whatever a page passes to the API', () => {
  it('is taken or refused as an EngineError that says which argument, and what is refused changes nothing (row 85)', async () => {
    const story = await setup({ upTo: 'exported' })
    const { vera, connection, record, copy } = story
    const schema = vera.records.schema('Lead')
    const rule = vera.sharing.rule(connection, 'Lead')
    const share = vera.records.shares('Lead', record)[0]?.id
    if (!rule || share === undefined) throw new Error('Nothing was shared.')
    const good = apiArguments({ connection, record, copy, share, schema, rule })
    let calls = 0
    const wrong: string[] = []
    for (const org of [story.vera, story.paul]) {
      let changes = 0
      const end = org.rows.watch(() => changes++)
      for (const [group, method] of methods) {
        const call = `${group}.${method}`
        const args = good[call] ?? []
        for (const [place] of args.entries()) {
          for (const [name, make] of hostile) {
            calls++
            const before = changes
            const outcome = await story.finish(outcomeOf(org, group, method, args.with(place, make())))
            const isChanged = changes > before
            const what = `${call}, argument ${place}: ${name}`
            // A read may take an unknown id, and answers with nothing.
            if (outcome === undefined && isChanged && !takes(call, place, name)) wrong.push(`${what} was taken`)
            if (outcome !== undefined) wrong.push(...faultsOf(outcome).map((fault) => `${what} ${fault}`))
            if (outcome !== undefined && isChanged) wrong.push(`${what} changed something`)
            if (isChanged) await story.settle()
          }
        }
      }
      end()
    }
    expect(wrong).toEqual([])
    expect(calls).toBeGreaterThan(1_000)
  }, 120_000)
})

/** What is wrong with a refusal. */
function faultsOf(refusal: unknown): readonly string[] {
  if (!(refusal instanceof EngineError)) return ['is refused with no EngineError']
  const { code, message } = refusal
  return [
    ...(code === 'INTERNAL' ? ['is taken for a defect'] : []),
    ...(message.includes('secret of the page') ? ['is repeated'] : []),
    ...(message.length > 1_000 ? ['is refused at length'] : []),
  ]
}
