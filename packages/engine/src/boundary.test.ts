import { ProtocolError } from '@entente/protocol'
import { describe, expect, it } from 'vitest'
import type { Engine, Topic } from './api/index.js'
import { methodsByGroup, withBoundary } from './boundary.js'
import { EngineError, type EngineErrorCode } from './error.js'
import { StoreError } from './port/store.js'
import { apiArguments } from './testing/api-arguments.js'
import { MemoryNetwork, MemoryStore, openMemoryOrg } from './testing/index.js'

type Method = (...args: readonly unknown[]) => unknown

/** Vera's org in memory, over a network on which nobody else is. */
const openVera = (store = new MemoryStore(), network = new MemoryNetwork()): Promise<Engine> => openMemoryOrg(network, { store })

/** Every method of the API but `watch` and `close`. */
const methods = Object.entries(methodsByGroup).flatMap(([group, kinds]) =>
  Object.entries(kinds).map(([name, kind]) => ({ call: `${group}.${name}`, group, name, kind })),
)

function methodOf(engine: Engine, { group, name }: { readonly group: string; readonly name: string }): Method {
  const found = (engine as unknown as Readonly<Record<string, Readonly<Record<string, Method>>>>)[group]?.[name]
  if (!found) throw new Error(`There is no ${group}.${name}`)
  return found
}

/** What a method throws or rejects with. One that gives a promise must not throw at once. */
async function failureOf(engine: Engine, method: (typeof methods)[number], ...args: readonly unknown[]): Promise<unknown> {
  const call = methodOf(engine, method)
  if (method.kind === 'promise') {
    const promise = call(...args)
    expect(promise).toBeInstanceOf(Promise)
    return (promise as Promise<unknown>).then(
      () => undefined,
      (error: unknown) => error,
    )
  }
  try {
    call(...args)
    return undefined
  } catch (error) {
    return error
  }
}

/** An engine in which every method fails with one error. */
function failingEngine(error: Error): Engine {
  const fail = (): never => {
    throw error
  }
  const groups = Object.entries(methodsByGroup).map(([group, kinds]) => [
    group,
    Object.fromEntries(Object.keys(kinds).map((name) => [name, fail])),
  ])
  return { org: {}, user: {}, ...Object.fromEntries(groups), watch: fail, close: async () => fail() }
}

describe('the API of an engine that is closed', () => {
  it.each(methods)('$call refuses with CLOSED', async (method) => {
    const vera = await openVera()
    await vera.close()
    const failure = await failureOf(vera, method)
    expect(failure).toBeInstanceOf(EngineError)
    expect(failure).toMatchObject({ code: 'CLOSED', message: 'The engine of this org was closed. Open the org again.' })
  })

  it('watch refuses with CLOSED, closing again does nothing, and who the org is can still be read', async () => {
    const vera = await openVera()
    const end = vera.watch(() => undefined)
    await vera.close()
    expect(() => vera.watch(() => undefined)).toThrow(expect.objectContaining({ name: 'EngineError', code: 'CLOSED' }))
    await vera.close()
    end()
    expect(vera.org.name).toBe('Vista')
    expect(vera.user.name).toBe('Vera')
  })

  it('calls no watcher any more, also not about a change that came before', async () => {
    const network = new MemoryNetwork()
    const vera = await openVera(new MemoryStore(), network)
    const lead = { LastName: 'Berg', Company: 'Acme', Status: 'Open - Not Contacted' }
    const heard: ReadonlySet<Topic>[] = []
    vera.watch((changed) => heard.push(changed))
    await vera.records.create('Lead', lead)
    await network.settle()
    expect(heard.length).toBeGreaterThan(0)
    const before = heard.length
    await vera.records.create('Lead', lead)
    await vera.close()
    await network.pass(2)
    expect(heard).toHaveLength(before)
  })

  it('calls every watcher, though one of them throws, and takes nothing but a function', async () => {
    const network = new MemoryNetwork()
    const vera = await openVera(new MemoryStore(), network)
    for (const wrong of [null, undefined, 'listener', {}])
      expect(() => vera.watch(wrong as never)).toThrow(expect.objectContaining({ name: 'EngineError', code: 'INVALID' }))
    const heard: ReadonlySet<Topic>[] = []
    const end = vera.watch(() => {
      throw new Error('The page’s mistake')
    })
    vera.watch((changed) => heard.push(changed))
    await vera.records.create('Lead', { LastName: 'Berg', Company: 'Acme', Status: 'Open - Not Contacted' })
    await network.settle().catch(() => undefined)
    expect(heard.length).toBeGreaterThan(0)
    end()
  })

  it('a save that the closing overtakes is refused with CLOSED', async () => {
    const vera = await openVera()
    const saving = vera.records.create('Lead', { LastName: 'Berg', Company: 'Acme', Status: 'Open - Not Contacted' })
    const closing = vera.close()
    await expect(saving).rejects.toMatchObject({ name: 'EngineError', code: 'CLOSED' })
    await closing
  })

  it('a record that is refused is refused for its own reason, also where the closing overtakes it', async () => {
    const vera = await openVera()
    const saving = vera.records.create('Lead', { LastName: 'Berg' })
    const closing = vera.close()
    await expect(saving).rejects.toMatchObject({ code: 'INVALID', details: expect.arrayContaining([expect.anything()]) as unknown })
    await closing
  })

  it('waiting for sync ends with the closing', async () => {
    const vera = await openVera()
    vera.sync.cut()
    await vera.records.create('Lead', { LastName: 'Berg', Company: 'Acme', Status: 'Open - Not Contacted' })
    const settled = vera.sync.settled(60_000)
    const closing = vera.close()
    await expect(settled).rejects.toMatchObject({ name: 'EngineError', code: 'CLOSED' })
    await closing
  })
})

describe('the API of an engine whose parts fail', () => {
  const failures: readonly (readonly [string, Error, EngineErrorCode])[] = [
    ['a store that is full', new StoreError('QUOTA', 'No room.'), 'STORE'],
    ['a protocol error', new ProtocolError('UNAVAILABLE', 'The relay is busy.'), 'INTERNAL'],
    ['a defect', new TypeError('secret is not a function'), 'INTERNAL'],
    ['a refusal', new EngineError('NOT_FOUND', 'There is no such record.'), 'NOT_FOUND'],
  ]

  describe.each(failures)('%s', (_what, error, code) => {
    it.each(methods)(`$call gives ${code}`, async (method) => {
      const failure = await failureOf(withBoundary(failingEngine(error)), method, ...(apiArguments()[method.call] ?? []))
      expect(failure).toBeInstanceOf(EngineError)
      expect(failure).toMatchObject({ code })
      if (failure !== error) expect(failure).toMatchObject({ cause: error })
      // What a defect says may hold a value, so its words stay in the cause.
      if (code === 'INTERNAL') expect(failure).toMatchObject({ message: expect.not.stringContaining(error.message) as unknown })
    })

    it(`close gives ${code}`, async () => {
      await expect(withBoundary(failingEngine(error)).close()).rejects.toMatchObject({ name: 'EngineError', code })
    })
  })

  it.each(methods)('$call on a store that fails gives an EngineError, if it fails at all', async (method) => {
    let isBroken = false
    const network = new MemoryNetwork()
    const vera = await openVera(
      new MemoryStore({
        beforeCommit() {
          if (isBroken) throw new StoreError('ABORTED', 'The disk is gone.')
        },
      }),
      network,
    )
    isBroken = true
    const args = apiArguments()[method.call] ?? []
    const failure = await network.finish(failureOf(vera, method, ...args))
    if (failure !== undefined) expect(failure).toBeInstanceOf(EngineError)
  })

  it('a save on a full device is refused with STORE, which carries the code of the store, and changes nothing', async () => {
    let isFull = false
    const vera = await openVera(
      new MemoryStore({
        beforeCommit() {
          if (isFull) throw new StoreError('QUOTA', 'This device has no room left.')
        },
      }),
    )
    isFull = true
    const lead = { LastName: 'Berg', Company: 'Acme', Status: 'Open - Not Contacted' }
    await expect(vera.records.create('Lead', lead)).rejects.toMatchObject({
      name: 'EngineError',
      code: 'STORE',
      message: 'This device has no room left.',
      cause: { name: 'StoreError', code: 'QUOTA' },
    })
    expect(vera.records.list('Lead').total).toBe(0)
    isFull = false
    await vera.records.create('Lead', lead)
  })

  it('an org whose store cannot be read does not open, and says STORE', async () => {
    const store = new MemoryStore()
    await store.close()
    await expect(openVera(store)).rejects.toMatchObject({ name: 'EngineError', code: 'STORE', cause: { code: 'CLOSED' } })
  })
})
