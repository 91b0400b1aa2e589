import { setTimeout as sleep } from 'node:timers/promises'
import { parseKey } from '@entente/protocol'
import { expect, it, vi } from 'vitest'
import { SharedDatabase } from '../../testing/shared-database.js'
import { Witness } from '../contract/witness.js'
import { bounds, bytes, feed, invitation, message, nameOf, org, second } from '../contract/writes.js'
import { openPostgresStore } from './postgres.js'

// Vera's devices are connected to one relay, Paul's to another; both relays keep what they take in one database.

vi.setConfig({ testTimeout: 30_000, hookTimeout: 60_000 })

const shared = new SharedDatabase()

it('gives the sequences of a feed without gaps, and shows them in their order, while two relays write and a third reads', async () => {
  const [vera, paul, reader] = [await shared.open(), await shared.open(), await shared.open()]
  const seen: number[] = []
  let isWriting = true
  const reading = (async () => {
    for (;;) {
      const wasWriting = isWriting
      const page = await reader.page(feed, seen.at(-1) ?? 0, bounds)
      seen.push(...page.entries.map((entry) => entry.sequence))
      if (!wasWriting && page.done) return
    }
  })()
  const lanes = [vera, paul].flatMap((store, relay) =>
    // Not all at once: a call waits for one of the store's connections for a few seconds only.
    [0, 1, 2, 3].map(async (lane) => {
      const given: number[] = []
      for (let batch = lane; batch < 200; batch += 4) {
        const keys = Array.from({ length: 1 + (batch % 3) }, (_, index) => `${relay}-${batch}-${index}`)
        const writes = keys.flatMap((key) => (batch % 2 === 0 ? [message(key)] : [{ ...message(key), feed: second }, message(key)]))
        given.push(...(await store.commit(writes)).sequences.filter((_, index) => writes[index]?.feed === feed))
      }
      return given
    }),
  )
  const given = (await Promise.all(lanes)).flat()
  isWriting = false
  await reading
  const all = Array.from({ length: given.length }, (_, index) => index + 1)
  expect([...given].sort((one, two) => one - two)).toEqual(all)
  expect(seen).toEqual(all)
  expect(await vera.check()).toEqual([])
})

it('would lose entries for readers with a plain sequence, which commits out of order', async () => {
  await shared.server.query('CREATE TABLE log (n bigserial PRIMARY KEY, writer text)', shared.name)
  const [one, two] = [await shared.connect(), await shared.connect()]
  await one.query('BEGIN')
  await one.query("INSERT INTO log (writer) VALUES ('one')")
  await two.query("INSERT INTO log (writer) VALUES ('two')")
  const read = async (after: string): Promise<readonly Record<string, unknown>[]> =>
    shared.server.query(`SELECT n FROM log WHERE n > ${after} ORDER BY n`, shared.name)
  expect(await read('0')).toEqual([{ n: '2' }])
  await one.query('COMMIT')
  expect(await read('2')).toEqual([])
  await Promise.all([one.end(), two.end()])
})

it('never writes by a policy that another relay has replaced', async () => {
  const [vera, paul] = [await shared.open(), await shared.open()]
  await vera.commit([{ ...message('policy'), feed: second, kind: 'control' }])
  let version = 1
  let [accepted, late] = [0, 0]
  const writer = (async () => {
    for (let index = 0; index < 200; index++) {
      const given = [{ ...nameOf('policy', second), sequence: version }]
      const before = version
      const { sequences } = await vera.commit([{ ...message(`by-${version}-${index}`), given }])
      if (sequences[0]) accepted++
      else late++
      if (!sequences[0] && before === version) await sleep(1)
    }
  })()
  for (let change = 0; change < 30; change++) {
    const { sequences } = await paul.commit([{ ...message('policy', version), feed: second, kind: 'control' }])
    await sleep(5)
    version = sequences[0] ?? 0
  }
  await writer
  expect(accepted + late).toBe(200)
  expect(late).toBeGreaterThan(0)
  expect(version).toBe(31)
})

it('tells the other relay what it wrote last before it closed', async () => {
  const vera = await openPostgresStore(shared.server.url(shared.name))
  const atPaul = new Witness(await shared.open({ revision: 60_000, heads: 60_000 }), [feed])
  await vera.commit([message('a')])
  await vera.close()
  await vi.waitFor(() => expect(atPaul.grown).toContain(`${feed} 1`), 2_000)
})

it('tells the other relay soon what was written, and nobody of their own', async () => {
  const [vera, paul] = [await shared.open(), await shared.open()]
  const [atVera, atPaul] = [new Witness(vera), new Witness(paul)]
  await vera.commit([message('a'), message('b'), { ...message('c'), feed: second }])
  await vera.changeInvitation('A'.repeat(22), () => invitation('A', 1))
  await vi.waitFor(() => expect([...atPaul.grown]).toEqual([`${feed} 2`, `${second} 1`]), 2_000)
  await vi.waitFor(() => expect(atPaul.mailboxes).toContain('A'.repeat(22)), 2_000)
  await vera.changeAccount(org, { standing: 'revoked', quota: {} })
  await vi.waitFor(() => expect(atPaul.accounts).toBeGreaterThan(0), 2_000)
  expect((await paul.account(org)).standing).toBe('revoked')
  expect(atVera.grown.size).toBe(0)
})

it('draws no incarnation when a relay comes or goes beside another', async () => {
  const vera = await shared.open()
  const incarnation = vera.incarnation()
  const paul = await openPostgresStore(shared.server.url(shared.name))
  expect(paul.incarnation()).toBe(incarnation)
  await paul.close()
  const again = await shared.open()
  expect(again.incarnation()).toBe(incarnation)
})

it('opens from many relays at once, on a new database too, with one incarnation for all', async () => {
  const all = await Promise.all(Array.from({ length: 5 }, () => openPostgresStore(shared.server.url(shared.name))))
  shared.stores.push(...all)
  expect(new Set(all.map((store) => store.incarnation())).size).toBe(1)
  expect(new Set(all.map((store) => Buffer.from(store.secret()).toString('hex'))).size).toBe(1)
})

it('counts an org exactly when several relays write its feeds and merge its docs', async () => {
  const [vera, paul] = [await shared.open(), await shared.open()]
  const rounds = Array.from({ length: 40 }, (_, round) => round)
  await Promise.all(
    [vera, paul].flatMap((store, relay) =>
      rounds.map(async (round) => {
        const key = parseKey(`${relay}-${round}`)
        const writes = [feed, second].map((name) => ({ ...message(key), feed: name, bytes: bytes('x'.repeat(round)) }))
        const { sequences } = await store.commit(relay === 0 ? writes : writes.toReversed())
        if (round % 2 === 0) await store.commit([{ ...message(key, sequences[0]), kind: 'erased' as const, bytes: bytes('') }])
      }),
    ),
  )
  expect(await vera.check()).toEqual([])
  expect((await paul.account(org)).usage.docs).toBeGreaterThan(80)
})

it('lets a commit through beside a crowd of readers, and lets every reader have its turn', async () => {
  const vera = await shared.open()
  await vera.commit(Array.from({ length: 500 }, (_, index) => message(`k${index}`, 0, 'x'.repeat(200))))
  let waiting = 1_500
  const pages = Array.from({ length: waiting }, async () => {
    const page = await vera.page(feed, 0, bounds)
    waiting--
    return page.entries.length
  })
  expect((await vera.commit([message('new')])).sequences).toEqual([501])
  expect(waiting).toBeGreaterThan(750)
  expect(new Set(await Promise.all(pages)).size).toBe(1)
})

it('says what is wrong when rows were changed past it', async () => {
  const vera = await shared.open()
  await vera.commit([message('a'), message('b'), { ...message('c'), feed: second }])
  await shared.server.query(
    "DELETE FROM entente.states WHERE key = 'a'; UPDATE entente.usage SET docs = 9; UPDATE entente.docs SET sequence = 9 WHERE key = 'c'",
    shared.name,
  )
  const wrong = await vera.check()
  expect(wrong).toContain(`${feed} a: it has no merged state.`)
  expect(wrong).toContain(`${org}: its account is not the sum of what lies in its feeds.`)
  expect(wrong).toContain(`${second}: its head is not the last sequence of its keys.`)
})

it('needs no more rights than to create in its database', async () => {
  await shared.server.query('CREATE ROLE clerk LOGIN')
  await shared.server.query(`ALTER DATABASE ${shared.name} OWNER TO clerk`)
  const store = await openPostgresStore(shared.server.url(shared.name).replace(/user=.*/, 'user=clerk'))
  shared.stores.push(store)
  expect((await store.commit([message('a')])).sequences).toEqual([1])
  expect(await store.isWritable()).toBe(true)
  expect(await store.check()).toEqual([])
  expect((await store.stats()).docs).toBe(1)
})

it('says at once when there is no database to start with', async () => {
  await expect(openPostgresStore(shared.server.url('nowhere'))).rejects.toThrow('cannot be reached: database "nowhere" does not exist')
  await expect(openPostgresStore('postgresql://127.0.0.1:1/relay')).rejects.toThrow('cannot be reached')
})

it('leaves a database of a newer relay untouched', async () => {
  const vera = await shared.open()
  await shared.server.query('UPDATE entente.version SET version = 99', shared.name)
  await expect(openPostgresStore(shared.server.url(shared.name))).rejects.toThrow('newer relay')
  await vera.close()
})
