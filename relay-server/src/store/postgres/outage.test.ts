import { setTimeout as sleep } from 'node:timers/promises'
import { entryOf, feedName, parseConnectionId, parseMailboxId } from '@entente/protocol'
import { expect, it, vi } from 'vitest'
import { TestPostgres } from '../../testing/postgres.js'
import { SharedDatabase } from '../../testing/shared-database.js'
import { Witness } from '../contract/witness.js'
import { bounds, feed, message, org, second } from '../contract/writes.js'
import { openPostgresStore } from './postgres.js'

// Vera's devices are connected to one relay, Paul's to another; both relays keep what they take in one database.

vi.setConfig({ testTimeout: 30_000, hookTimeout: 60_000 })

const shared = new SharedDatabase()

it('finds what it was not told: when its listening connection was lost, and now and then', async () => {
  const [vera, paul] = [await shared.open(), await shared.open()]
  const atPaul = new Witness(paul, [feed, second], ['A'.repeat(22)])
  const incarnation = paul.incarnation()
  const listeners = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = 1 AND pid <> pg_backend_pid()"
  expect((await shared.server.query(listeners, shared.name)).length).toBe(2)
  // For a moment no relay was connected: whoever is back first draws an incarnation, and what was under way under the old one is not written.
  await vi.waitFor(() => vera.commit([message('a')]), 2_000)
  await vi.waitFor(() => expect(atPaul.grown).toContain(`${feed} 1`), 2_000)
  expect(atPaul.mailboxes).toContain('A'.repeat(22))
  await vera.commit([message('b')])
  await vi.waitFor(() => expect(atPaul.grown).toContain(`${feed} 2`), 2_000)
  expect(await paul.headSince(feed, incarnation, 0)).toBeDefined()
  expect(vera.incarnation()).toBe(paul.incarnation())
  // Written past every relay, so that nobody notifies.
  await shared.server.query(`UPDATE entente.feeds SET head = 7 WHERE name = '${feed}'`, shared.name)
  await vi.waitFor(() => expect(atPaul.grown).toContain(`${feed} 7`), 2_000)
})

it('rejects while the database is away, soon, and goes on by itself', async () => {
  const [vera, paul] = [await shared.open(), await shared.open()]
  await vera.commit([message('a')])
  const before = vera.incarnation()
  await shared.server.stopHard()
  const start = Date.now()
  const calls = [vera.commit([message('b')]), paul.page(feed, 0, bounds), vera.isWritable()]
  expect((await Promise.allSettled(calls)).map((call) => (call.status === 'fulfilled' ? call.value : call.status))).toEqual([
    'rejected',
    'rejected',
    false,
  ])
  expect(Date.now() - start).toBeLessThan(5_000)
  await shared.server.startAgain()
  await vi.waitFor(async () => expect(await vera.isWritable()).toBe(true), 5_000)
  expect((await vera.commit([message('b')])).sequences).toEqual([2])
  expect((await paul.page(feed, 0, bounds)).head).toBe(2)
  expect(await paul.headSince(feed, before, 1)).toBeDefined()
  expect(paul.incarnation()).toBe(vera.incarnation())
})

it('keeps what it acknowledged when the server fails under load', async () => {
  const [vera, paul] = [await shared.open(), await shared.open()]
  const acknowledged = new Map<string, number>()
  for (let round = 0; round < 3; round++) {
    const over = new AbortController()
    const writers = [vera, paul].flatMap((store, relay) =>
      [0, 1, 2].map(async (lane) => {
        for (let index = 0; !over.signal.aborted; index++) {
          const key = `${round}-${relay}-${lane}-${index}`
          const commit = await store.commit([message(key)]).catch(() => undefined)
          if (commit) acknowledged.set(key, commit.sequences[0] ?? 0)
        }
      }),
    )
    await sleep(100 + 50 * round)
    await vi.waitFor(() => expect(acknowledged.size).toBeGreaterThan(17 * (round + 1)), 10_000)
    await shared.server.stopHard()
    over.abort()
    await shared.server.startAgain()
    await Promise.all(writers)
    await vi.waitFor(async () => expect(await paul.isWritable()).toBe(true), 5_000)
  }
  const found = new Map<string, number>()
  for (let after = 0; ;) {
    const page = await paul.page(feed, after, bounds)
    for (const entry of page.entries.map(entryOf)) found.set(entry.key, entry.sequence)
    after = page.entries.at(-1)?.sequence ?? after
    if (page.done) break
  }
  expect(acknowledged.size).toBeGreaterThan(50)
  for (const [key, sequence] of acknowledged) expect(found.get(key), key).toBe(sequence)
  expect(await paul.check()).toEqual([])
})

it('[IN2, RS4] tells every relay when the database was replaced by an older copy under them', async () => {
  const [vera, paul] = [await shared.open(), await shared.open()]
  const [atVera, atPaul] = [new Witness(vera), new Witness(paul)]
  await vera.commit([message('a')])
  const before = vera.incarnation()
  const restore = await shared.server.copyData()
  await paul.commit([message('b'), message('c')])
  expect(await vera.headSince(feed, before, 3)).toBeDefined()
  await shared.server.stopHard()
  await restore()
  await shared.server.startAgain()
  await vi.waitFor(() => expect([atVera.replacements, atPaul.replacements]).toEqual([1, 1]), 5_000)
  expect(vera.incarnation()).not.toBe(before)
  expect(paul.incarnation()).toBe(vera.incarnation())
  await paul.commit([message('d'), message('e')])
  expect(await vera.headSince(feed, before, 1)).toBeDefined()
  expect(await vera.headSince(feed, before, 3)).toBeUndefined()
  expect(await vera.headSince(feed, vera.incarnation(), 3)).toBeDefined()
})

it('[IN2, RS4] notices that older rows were put in the place of newer ones while it was connected', async () => {
  const [vera, paul] = [await shared.open(), await shared.open({ revision: 60_000, heads: 60_000 })]
  const [atVera, atPaul] = [new Witness(vera, [feed]), new Witness(paul)]
  await paul.commit([message('a')])
  await vera.page(feed, 0, bounds)
  const before = vera.incarnation()
  await shared.server.query('CREATE TABLE kept AS TABLE entente.feeds', shared.name)
  await paul.commit([message('b')])
  await vera.page(feed, 0, bounds)
  // As a dump of the data does that is read in again.
  await shared.server.query(
    "BEGIN; TRUNCATE entente.feeds; INSERT INTO entente.feeds OVERRIDING SYSTEM VALUE TABLE kept; DELETE FROM entente.docs WHERE key = 'b'; DELETE FROM entente.states WHERE key = 'b'; COMMIT",
    shared.name,
  )
  await expect(paul.commit([message('c')])).rejects.toThrow('replaced')
  await vi.waitFor(() => expect([atVera.replacements, atPaul.replacements]).toEqual([1, 1]), 3_000)
  expect((await paul.commit([message('c')])).sequences).toEqual([2])
  expect(await paul.headSince(feed, before, 1)).toBeDefined()
  expect(await paul.headSince(feed, before, 2)).toBeUndefined()
  const next = vera.incarnation()
  await vera.page(feed, 0, bounds)
  // And row by row, which leaves no other trace than a head that went back.
  await shared.server.query(
    "DELETE FROM entente.docs WHERE key = 'c'; DELETE FROM entente.states WHERE key = 'c'; UPDATE entente.feeds SET head = 1",
    shared.name,
  )
  await vi.waitFor(() => expect(atVera.replacements).toBe(2), 3_000)
  await expect(paul.commit([message('d')])).rejects.toThrow('replaced')
  expect([atPaul.replacements, paul.incarnation()]).toEqual([2, vera.incarnation()])
  expect(vera.incarnation()).not.toBe(next)
})

it('[IN2, RS4] starts one incarnation for one replacement, however many reads of a relay find it at once', async () => {
  const vera = await shared.open({ revision: 60_000, heads: 60_000 })
  const atVera = new Witness(vera)
  const feeds = [feed, second]
  const readAll = () => Promise.allSettled(feeds.map((name) => vera.page(name, 0, bounds)))
  await vera.commit(feeds.flatMap((name) => ['a', 'b'].map((key) => ({ ...message(key), feed: name }))))
  await readAll()
  await shared.server.query('UPDATE entente.feeds SET head = 1', shared.name)
  expect((await readAll()).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect(atVera.replacements).toBe(1)
  expect((await readAll()).map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled'])
})

it('[IN2, RS4] starts one incarnation for one replacement, when a second relay finds it after the first', async () => {
  const [vera, paul] = [await shared.open({ revision: 60_000, heads: 50 }), await shared.open({ revision: 60_000, heads: 700 })]
  const [atVera, atPaul] = [new Witness(vera, [feed]), new Witness(paul, [feed])]
  const replacements = () => [atVera.replacements, atPaul.replacements]
  await vera.commit([message('a'), message('b')])
  expect((await paul.page(feed, 0, bounds)).head).toBe(2)
  const keep = ['feeds', 'incarnations'].map((name) => `CREATE TABLE kept_${name} AS TABLE entente.${name}`)
  await shared.server.query(keep.join(';'), shared.name)
  await shared.server.query('UPDATE entente.feeds SET head = 1', shared.name)
  await vi.waitFor(() => expect(replacements()).toEqual([1, 1]), 3_000)
  await vera.commit([message('c'), message('d')])
  expect((await paul.page(feed, 0, bounds)).head).toBe(3)
  // The older rows do not have the incarnation that both relays know.
  const restore = ['feeds', 'incarnations'].map(
    (name) => `TRUNCATE entente.${name}; INSERT INTO entente.${name} OVERRIDING SYSTEM VALUE TABLE kept_${name}`,
  )
  await shared.server.query(`BEGIN; ${restore.join(';')}; COMMIT`, shared.name)
  await vi.waitFor(() => expect(atPaul.replacements).toBe(2), 3_000)
  await vera.page(feed, 0, bounds)
  expect(replacements()).toEqual([2, 2])
  expect(paul.incarnation()).toBe(vera.incarnation())
})

it('[MB5, RS4] takes a mailbox whose feed is begun anew for nothing more than that, and a connection’s messages that went back for older rows', async () => {
  const [vera, paul] = [await shared.open({ revision: 60_000, heads: 60_000 }), await shared.open()]
  const mailbox = feedName({ kind: 'mailbox', mailbox: parseMailboxId('M'.repeat(22)), side: 'vendor' })
  const messages = feedName({ kind: 'connection', connection: parseConnectionId('M'.repeat(22)), side: 'vendor', topic: 'messages' })
  const told = (key: string) => ({ ...message(key), feed: mailbox })
  const atPaul = new Witness(paul, [mailbox, messages])
  const incarnation = vera.incarnation()
  const fill = async (): Promise<void> => {
    await vera.commit([told('a'), told('b'), told('c')])
    await vi.waitFor(() => expect(atPaul.grown).toContain(`${mailbox} 3`), 2_000)
    atPaul.grown.clear()
  }
  await fill()
  await paul.dropFeeds([mailbox])
  expect((await vera.commit([told('d')])).sequences).toEqual([1])
  expect((await vera.commit([told('e')])).sequences).toEqual([2])
  await vi.waitFor(() => expect(atPaul.grown).toContain(`${mailbox} 2`), 2_000)
  // As another relay does it that swept them away.
  const drop = `DELETE FROM entente.docs; DELETE FROM entente.states; DELETE FROM entente.feeds WHERE name = '${mailbox}'`
  await shared.server.query(drop, shared.name)
  expect((await vera.commit([told('f')])).sequences).toEqual([1])
  expect((await vera.page(mailbox, 0, bounds)).head).toBe(1)
  await sleep(700)
  expect([vera.incarnation(), paul.incarnation(), atPaul.replacements]).toEqual([incarnation, incarnation, 0])
  // Nobody drops the messages of a connection.
  await vera.commit([
    { ...message('a'), feed: messages },
    { ...message('b'), feed: messages },
  ])
  expect((await paul.page(messages, 0, bounds)).head).toBe(2)
  await shared.server.query(`UPDATE entente.feeds SET head = 1 WHERE name = '${messages}'`, shared.name)
  await vi.waitFor(() => expect(atPaul.replacements).toBe(1), 2_000)
})

it('lends a connection to others that was being made for a call which gave up meanwhile', async () => {
  const times = { revision: 60_000, heads: 60_000 }
  const store = await openPostgresStore(shared.server.url(shared.name), { connections: 1, times })
  shared.stores.push(store)
  await store.commit([message('a')])
  const client = await shared.connect()
  await client.query('BEGIN; LOCK TABLE entente.feeds')
  const busy = store.page(feed, 0, bounds).catch(() => 'failed')
  const waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%entente.%'"
  await vi.waitFor(async () => expect(await shared.server.query(waiting, shared.name)).toHaveLength(1), 2_000)
  const queued = store.account(org).catch(({ message: words }: Error) => words)
  // A new connection asks for this first, and now for longer than the call waits.
  const slow = 'CREATE FUNCTION entente.copy() RETURNS text LANGUAGE sql AS $$SELECT entente.quick_copy() FROM pg_sleep(3.5)$$'
  await shared.server.query(`ALTER FUNCTION entente.copy() RENAME TO quick_copy; ${slow}`, shared.name)
  await shared.server.query(`SELECT pg_terminate_backend(pid) FROM (${waiting}) busy`, shared.name)
  await client.query('ROLLBACK')
  await client.end()
  expect(await Promise.all([busy, queued])).toEqual(['failed', expect.stringContaining('timeout exceeded')])
  await vi.waitFor(() => store.account(org), 10_000)
})

it('does not start on a server that may lose what it acknowledged', async () => {
  const careless = await TestPostgres.start(['fsync=off'])
  try {
    await expect(openPostgresStore(careless.url())).rejects.toThrow('fsync = off')
  } finally {
    await careless.remove()
  }
})
