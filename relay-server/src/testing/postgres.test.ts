import { afterAll, beforeAll, expect, it } from 'vitest'
import { TestPostgres } from './postgres.js'

let server: TestPostgres
beforeAll(async () => {
  server = await TestPostgres.start()
}, 60_000)
afterAll(() => server.remove())

it('starts a server that waits for the disk, stops it hard, and brings an older copy back', async () => {
  expect(await server.query('SHOW fsync')).toEqual([{ fsync: 'on' }])
  const database = await server.newDatabase()
  await server.query('CREATE TABLE t AS SELECT 1 AS n', database)
  const restore = await server.copyData()
  await server.query('UPDATE t SET n = 2', database)
  await server.stopHard()
  await server.startAgain()
  expect(await server.query('SELECT n FROM t', database)).toEqual([{ n: 2 }])
  await server.stop()
  await restore()
  await server.startAgain()
  expect(await server.query('SELECT n FROM t', database)).toEqual([{ n: 1 }])
}, 60_000)
