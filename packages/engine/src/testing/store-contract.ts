import { type Store, StoreError, type StoreKey, type Write } from '../port/store.js'

/** One promise of the store port. `run` throws an Error where a store breaks it; `reopen` gives the same store as the next page load finds it. */
export interface StorePromise {
  readonly name: string
  readonly run: (store: Store, reopen: () => Promise<Store>) => Promise<void>
}

const row = (id: string): StoreKey => ['row', 'Lead', id]
const put = (key: StoreKey, value: unknown): Write => ({ put: key, value })
const write = (store: Store, ...writes: readonly Write[]): Promise<void> => store.update([], () => ({ writes, result: undefined }))

/** What every store guarantees. Each name can be the name of a test. */
export const storePromises: readonly StorePromise[] = [
  {
    name: 'gives back what was written, bytes and all',
    async run(store) {
      const value = { text: 'Zoë 🙂', number: 1.5, list: [1, null, { deep: true }], bytes: Uint8Array.of(0, 1, 255) }
      await write(store, put(row('1'), value))
      expectSame((await store.get([row('1'), row('2')])).map(show), [show(value), show(undefined)])
    },
  },
  {
    name: 'keeps what was written over a page load',
    async run(store, reopen) {
      await write(store, put(row('1'), 'kept'))
      await store.close()
      expectSame(await (await reopen()).get([row('1')]), ['kept'])
    },
  },
  {
    name: 'runs the change on what is stored, and gives its result after the commit',
    async run(store) {
      await write(store, put(row('1'), 41))
      const result = await store.update([row('1'), row('none')], ([value, none]) => ({
        writes: [put(row('1'), Number(value) + 1)],
        result: [value, none],
      }))
      expectSame(result, [41, undefined])
      expectSame(await store.get([row('1')]), [42])
    },
  },
  {
    name: 'never interleaves two updates',
    async run(store) {
      await write(store, put(row('count'), 0))
      const increments = Array.from({ length: 50 }, () =>
        store.update([row('count')], ([value]) => ({ writes: [put(row('count'), Number(value) + 1)], result: undefined })),
      )
      await Promise.all(increments)
      expectSame(await store.get([row('count')]), [50])
    },
  },
  {
    name: 'writes nothing where the change throws, and passes the error on',
    async run(store) {
      const error = await rejection(
        store.update([], () => {
          throw new Error('no')
        }),
      )
      expectSame(error instanceof Error && error.message, 'no')
      await write(store, put(row('after'), true))
      expectSame(await store.get([row('after')]), [true])
    },
  },
  {
    name: 'writes nothing at all where one value cannot be written',
    async run(store) {
      await rejection(
        write(
          store,
          put(row('good'), 1),
          put(row('bad'), () => undefined),
        ),
      )
      expectSame(await store.get([row('good')]), [undefined])
    },
  },
  {
    name: 'deletes one key, and all keys that begin alike but no others',
    async run(store) {
      await write(store, put(['doc', 'a', '1'], 1), put(['doc', 'a', '2'], 2), put(['doc', 'ab', '1'], 3), put(['dirty', 'a', '1'], 4))
      await store.update([], () => ({ writes: [{ deleteAll: ['doc', 'a'] }, { delete: ['dirty', 'a', '1'] }], result: undefined }))
      expectSame(
        await store.get([
          ['doc', 'a', '1'],
          ['doc', 'a', '2'],
          ['doc', 'ab', '1'],
          ['dirty', 'a', '1'],
        ]),
        [undefined, undefined, 3, undefined],
      )
    },
  },
  {
    name: 'scans a prefix in key order, page by page',
    async run(store) {
      const ids = ['b', 'a', 'é', 'c', '', 'aa']
      await write(store, ...ids.map((id) => put(row(id), id)), put(['row', 'Lead2', 'x'], 'other'), put(['meta', 'version'], 1))
      const found: unknown[] = []
      for (let after: StoreKey | undefined; ;) {
        const page = await store.scan(['row', 'Lead'], { limit: 2, ...(after && { after }) })
        found.push(...page.map(([, value]) => value))
        after = page.at(-1)?.[0]
        if (page.length < 2) break
      }
      expectSame(found, ['', 'a', 'aa', 'b', 'c', 'é'])
      expectSame(
        (await store.scan(['row'])).map(([key]) => key[1]),
        ['Lead', 'Lead', 'Lead', 'Lead', 'Lead', 'Lead', 'Lead2'],
      )
    },
  },
  {
    name: 'does not let a caller change what is stored by changing what it gave or got',
    async run(store) {
      const value = { list: [1] }
      await write(store, put(row('1'), value))
      value.list.push(2)
      const [got] = (await store.get([row('1')])) as readonly [{ list: number[] }]
      got.list.push(3)
      expectSame(await store.get([row('1')]), [{ list: [1] }])
    },
  },
  {
    name: 'refuses everything with CLOSED once it is closed',
    async run(store) {
      await store.close()
      for (const use of [() => store.get([row('1')]), () => store.scan(['row']), () => write(store, put(row('1'), 1))]) {
        const error = await rejection(use())
        expectSame(error instanceof StoreError && error.code, 'CLOSED')
      }
    },
  },
]

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error('A store took what it must refuse.')
}

function expectSame(actual: unknown, expected: unknown): void {
  if (show(actual) !== show(expected)) throw new Error(`A store gave ${show(actual)} instead of ${show(expected)}.`)
}

function show(value: unknown): string {
  return (
    JSON.stringify(value, (_, part: unknown) =>
      part instanceof Uint8Array ? `bytes ${part.join()}` : part === undefined ? 'nothing' : part,
    ) ?? 'nothing'
  )
}
