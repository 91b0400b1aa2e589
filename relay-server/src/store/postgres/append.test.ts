import { parseKey } from '@entente/protocol'
import { expect, it, vi } from 'vitest'
import { SharedDatabase } from '../../testing/shared-database.js'
import { bounds, DocWriter, feed, keysOf, message, nameOf, org, second } from '../contract/writes.js'
import type { Commit, Store, Write } from '../store.js'

// Vera's devices are connected to one relay, Paul's to another. Docs that are there get updates, one or a few at a time.

vi.setConfig({ testTimeout: 30_000, hookTimeout: 60_000 })

const shared = new SharedDatabase()
const policy = { ...nameOf('policy', second), sequence: 1 }
const given = [policy]

it('takes the updates of a commit that are in time, without a gap in their sequences, and leaves the others', async () => {
  const vera = await shared.open()
  const docs = await begin(vera, ['a', 'b', 'c'])
  const [a, b, c] = docs.map((doc, index) => doc.update(index === 1 ? 7 : index + 1))
  const commit = await vera.commit([a, b, c].map(judged))
  expect(commit).toMatchObject({ sequences: [4, 0, 5], tails: [1, 0, 1] })
  expect(await vera.account(org)).toEqual(commit.accounts[0])
  expect(keysOf(await vera.page(feed, 3, bounds))).toEqual(['a 4', 'c 5'])
  expect((await vera.commit([docs[0]?.update(1)].map(judged))).sequences).toEqual([0])
  expect((await vera.commit([docs[0]?.update(4)].map(judged))).sequences).toEqual([6])
  expect(await vera.check()).toEqual([])
})

it('says in the account of a commit what the operator decided', async () => {
  const vera = await shared.open()
  const [doc] = await begin(vera, ['a'])
  await vera.changeAccount(org, { standing: 'allowed', quota: { docs: 5, connections: 0 } })
  const { accounts } = await vera.commit([doc?.update(1)].map(judged))
  expect(accounts).toEqual([await vera.account(org)])
  expect(accounts[0]).toMatchObject({ standing: 'allowed', quota: { docs: 5, connections: 0 } })
})

it('gives the sequences of a feed without gaps while two relays update the same docs, and counts what it takes', async () => {
  const [vera, paul] = [await shared.open(), await shared.open()]
  await begin(vera, ['a', 'b'])
  // What the updates say is of no matter here; only one of those that saw the same entry is taken.
  const taken: number[] = []
  const last = new Map([
    ['a', 1],
    ['b', 2],
  ])
  await Promise.all(
    [vera, paul].flatMap((store) =>
      ['a', 'b', 'a'].map(async (key) => {
        for (let index = 0; index < 60; index++) {
          const [sequence = 0] = (await store.commit([plain(key, last.get(key) ?? 0)])).sequences
          if (sequence === 0) continue
          taken.push(sequence)
          last.set(key, Math.max(sequence, last.get(key) ?? 0))
        }
      }),
    ),
  )
  expect(taken.toSorted((one, two) => one - two)).toEqual(Array.from({ length: taken.length }, (_, index) => 3 + index))
  expect((await paul.page(feed, 2, bounds)).entries.map(({ sequence }) => sequence)).toEqual(taken.toSorted((one, two) => one - two))
  const unreadable = /it cannot be read as a doc/
  expect((await vera.check()).filter((wrong) => !unreadable.test(wrong))).toEqual([])
})

it('never writes an update by a policy that another relay has replaced', async () => {
  const [vera, paul] = [await shared.open(), await shared.open()]
  await begin(vera, ['a'])
  let version = 1
  let seen = 1
  let [accepted, late] = [0, 0]
  const replacedAt: { readonly version: number; readonly head: number }[] = []
  const writer = (async () => {
    for (let by = version; by < 31; by = version) {
      const [sequence = 0] = (await vera.commit([{ ...plain('a', seen), given: [{ ...policy, sequence: by }] }])).sequences
      if (sequence === 0) {
        late++
        continue
      }
      accepted++
      seen = sequence
      // Whatever was written by a policy is there before the next policy is.
      for (const one of replacedAt) if (one.version > by) expect(sequence).toBeLessThanOrEqual(one.head)
    }
  })()
  while (version < 31) {
    const before = accepted
    const { sequences } = await paul.commit([{ ...message('policy', version), feed: second, kind: 'control' }])
    replacedAt.push({ version: sequences[0] ?? 0, head: (await paul.page(feed, 0, { bytes: 1, entries: 1 })).head })
    version = sequences[0] ?? 0
    // The next one waits for a write by this one: else the writer might always come too late.
    if (version < 31) await vi.waitFor(() => expect(accepted).toBeGreaterThan(before), { interval: 1 })
  }
  await writer
  expect(accepted).toBeGreaterThan(0)
  expect(late).toBeGreaterThan(0)
})

it('waits for a policy that is being replaced', async () => {
  const vera = await shared.open()
  await begin(vera, ['a'])
  const other = await shared.connect()
  expect((await vera.commit([plain('a', 1)])).sequences).toEqual([2])
  await other.query('BEGIN')
  await other.query(`UPDATE entente.feeds SET head = head WHERE name = '${second}'`)
  await other.query("UPDATE entente.docs SET sequence = 9 WHERE key = 'policy'")
  let isDone = false
  const commit = vera.commit([plain('a', 2)]).finally(() => (isDone = true))
  const waiting = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
  await vi.waitFor(async () => expect(await shared.server.query(waiting, shared.name)).toHaveLength(1), 5_000)
  expect(isDone).toBe(false)
  await other.query('COMMIT')
  expect((await commit).sequences).toEqual([0])
  await other.end()
})

it('[RS4] writes under no incarnation but the present one', async () => {
  const [vera, paul] = [await shared.open({ revision: 60_000, heads: 60_000 }), await shared.open()]
  await begin(vera, ['a'])
  await shared.server.query(
    'INSERT INTO entente.incarnations SELECT n + 1, 4711, copy, filenode FROM entente.incarnations ORDER BY n DESC LIMIT 1',
    shared.name,
  )
  await expect(vera.commit([plain('a', 1)])).rejects.toThrow('replaced')
  await vi.waitFor(() => expect(paul.incarnation()).toBe(4711), 2_000)
  expect(await paul.commit([plain('a', 1)])).toMatchObject({ incarnation: 4711, sequences: [2] })
  // The first write of the new incarnation has noted down where the feed stood.
  expect(await paul.headSince(feed, 4711, 2)).toBeDefined()
  expect((await vera.commit([plain('a', 2)])).sequences).toEqual([3])
})

/** Puts a policy there, and docs of these keys. */
async function begin(store: Store, keys: readonly string[]): Promise<readonly DocWriter[]> {
  await store.commit([
    { ...message('policy'), feed: second },
    { ...message('other'), feed: second },
  ])
  const docs = keys.map((key) => new DocWriter(key))
  const commit: Commit = await store.commit(docs.map((doc) => judged(doc.begin())))
  expect(commit.sequences).toEqual(keys.map((_, index) => index + 1))
  return docs
}

function judged(write: Write | undefined): Write {
  if (!write) throw new Error('There is no such doc.')
  return { ...write, given }
}

function plain(key: string, seen: number): Write {
  return { ...example, key: parseKey(key), seen, given }
}

const writer = new DocWriter('x')
writer.begin()
const example = writer.update(0)
