import { parseKey } from '@entente/protocol'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { TestPostgres } from '../../testing/postgres.js'
import { bounds, DocWriter, feed, message, nameOf, second } from '../contract/writes.js'
import { appendStatement, callsOf } from './batch.js'
import { connectionTo, listOf, type PostgresValue, sessionSql, type PostgresStatement } from './connection.js'
import { reads } from './reads.js'
import { openPostgresStore } from './postgres.js'
import type { Store, Write } from '../store.js'

// Vera's relay prepared its statements when her database was empty; now a feed has grown large. Each must still go to what it names, whatever the
// planner knows of the tables.

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const many = 6_000
const batch = 500

let server: TestPostgres
let database: string
let vera: Store
let client: pg.Client
beforeAll(async () => {
  server = await TestPostgres.start(['autovacuum=off'])
})
afterAll(() => server.remove())
beforeEach(async () => {
  database = await server.newDatabase()
  vera = await openPostgresStore(server.url(database))
  client = new pg.Client(connectionTo(server.url(database)))
  await client.connect()
  await client.query(sessionSql)
})
afterEach(async () => {
  await client.end()
  await vera.close()
})

for (const moment of ['never', 'while it was empty', 'while it was small', 'when it was full']) {
  it(`reads for a page, for keys and for a commit what belongs to it, in a feed that was analysed ${moment}`, async () => {
    const analyse = async (now: string): Promise<void> => {
      if (now === moment) await server.query('ANALYZE', database)
    }
    await analyse('while it was empty')
    for (const statement of [reads.keyStates, reads.doc, reads.page, appendStatement]) await prepare(statement)
    await blocksOf(reads.keyStates, keyValues(0, 2))
    await blocksOf(reads.doc, [feed, 'k0'])
    await blocksOf(reads.page, [feed, 0, 100, 65_536])
    await blocksOf(appendStatement, appendValues([{ ...message('policy'), feed: second }]))
    await blocksOf(appendStatement, appendValues([doc(0)]))
    await blocksOf(appendStatement, appendValues([update(0, 1)]))
    await blocksOf(appendStatement, appendValues([update(0, 2)]))
    await analyse('while it was small')
    for (let start = 1; start < many; start += batch) {
      await vera.commit(range(Math.min(batch, many - start)).map((index) => doc(start + index)))
    }
    await analyse('when it was full')

    // Each key takes a few: its row and the way there in each index, and as much again for its state or tail and whatever is written.
    expect(await blocksOf(reads.keyStates, keyValues(1_000, batch))).toBeLessThan(8 * batch)
    expect(await blocksOf(reads.doc, [feed, 'k0'])).toBeLessThan(40)
    expect(await blocksOf(reads.page, [feed, many - 8, 1_000, 65_536])).toBeLessThan(100)
    const changed = range(batch).map((index) => update(2_000 + index, 2_003 + index))
    expect(await blocksOf(appendStatement, appendValues(changed))).toBeLessThan(40 * batch)
    const added = range(batch).map((index) => doc(many + index))
    expect(await blocksOf(appendStatement, appendValues(added))).toBeLessThan(40 * batch)
    const erased = range(batch).map((index) => erasure(2_000 + index, many + 3 + index))
    expect(await blocksOf(appendStatement, appendValues(erased))).toBeLessThan(40 * batch)
    expect((await vera.page(feed, many + 2, bounds)).head).toBe(many + 2 + 3 * batch)
    expect(await vera.check()).toEqual([])
  })
}

const policy = { ...nameOf('policy', second), sequence: 1 }
const given = [policy]

// Docs know nothing of each other, so that one's states serve all.
const writer = new DocWriter('k')
const [whole, change] = [writer.begin(), writer.update(0)]

function doc(number: number): Write {
  return { ...whole, key: parseKey(`k${number}`), given }
}

function update(number: number, seen: number): Write {
  return { ...change, key: parseKey(`k${number}`), seen, given }
}

function erasure(number: number, seen: number): Write {
  return { ...doc(number), seen, kind: 'erased', bytes: new Uint8Array() }
}

function keyValues(start: number, count: number): readonly PostgresValue[] {
  return [listOf(range(count).map(() => feed)), listOf(range(count).map((index) => parseKey(`k${start + index}`)))]
}

function appendValues(writes: readonly Write[]): readonly PostgresValue[] {
  return callsOf(writes, vera.incarnation())[0]?.values ?? []
}

function range(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index)
}

async function prepare({ name, text }: PostgresStatement): Promise<void> {
  await client.query(`PREPARE "${name}" AS ${text}`)
}

/** How many blocks the statement touches, prepared as it was before. */
async function blocksOf({ name }: PostgresStatement, values: readonly PostgresValue[]): Promise<number> {
  const given = values.map((value) => `'${Buffer.isBuffer(value) ? `\\x${value.toString('hex')}` : String(value)}'`)
  const explained = await client.query<{ 'QUERY PLAN': readonly { readonly Plan: Record<string, number> }[] }>(
    `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE "${name}" (${given.join(', ')})`,
  )
  const plan = explained.rows[0]?.['QUERY PLAN'][0]?.Plan
  return (plan?.['Shared Hit Blocks'] ?? 0) + (plan?.['Shared Read Blocks'] ?? 0)
}
