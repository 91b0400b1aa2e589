import { expect, it, vi } from 'vitest'
import type { StoreLocation } from '../store/store.js'
import { SharedDatabase } from '../testing/shared-database.js'
import { Witness } from '../store/contract/witness.js'
import { DocWriter, message, org, other } from '../store/contract/writes.js'
import { openPostgresStore } from '../store/postgres/postgres.js'
import { runCheck } from './check.js'
import { runOrgs } from './orgs.js'
import { runStats } from './stats.js'

vi.setConfig({ testTimeout: 30_000, hookTimeout: 60_000 })

const shared = new SharedDatabase()
let said: string[] = []
const print = (line: string): void => {
  said.push(line)
}
const location = (): StoreLocation => ({ data: '', store: shared.server.url(shared.name) })
const commands: Readonly<Record<string, () => Promise<number>>> = {
  check: () => runCheck(location(), print),
  stats: () => runStats(location(), true, print),
  'orgs list': () => runOrgs({ command: 'orgs', location: location(), action: 'list', json: true }, print),
  'orgs allow': () => runOrgs({ command: 'orgs', location: location(), action: 'allow', org: other }, print),
}

it('the commands say that there is no store in an empty database, and make none', async () => {
  for (const run of Object.values(commands)) await expect(run()).rejects.toThrow('There is no store')
  expect(await shared.server.query("SELECT FROM pg_namespace WHERE nspname = 'entente'", shared.name)).toEqual([])
})

it('the commands work beside a relay and without one, and draw no incarnation', async () => {
  const store = await shared.open()
  const watcher = new Witness(store)
  await store.commit([new DocWriter('r1').begin(), message('m')])
  said = []
  for (const run of Object.values(commands)) expect(await run()).toBe(0)
  expect(said[0]).toContain('is sound')
  expect(JSON.parse(said[1] ?? '')).toMatchObject({ orgs: 1, feeds: 1, docs: 2, incarnations: 1 })
  expect(JSON.parse(said[2] ?? '')).toMatchObject({ org, standing: 'none' })
  await expect.poll(() => watcher.accounts).toBeGreaterThan(0)
  expect(await store.account(other)).toMatchObject({ standing: 'allowed' })
  await store.close()
  for (const run of Object.values(commands)) expect(await run()).toBe(0)
  expect(await shared.server.query('SELECT count(*)::int AS incarnations FROM entente.incarnations', shared.name)).toEqual([
    { incarnations: 1 },
  ])
})

it.each([
  [0, 'does not hold a relay'],
  [99, 'written by a newer relay'],
])('relay and commands leave a database of version %i untouched', async (version, words) => {
  await (await openPostgresStore(shared.server.url(shared.name))).close()
  await shared.server.query(`UPDATE entente.version SET version = ${version}`, shared.name)
  for (const open of [...Object.values(commands), () => openPostgresStore(shared.server.url(shared.name))])
    await expect(open()).rejects.toThrow(words)
  expect(await shared.server.query('SELECT count(*)::int AS incarnations FROM entente.incarnations', shared.name)).toEqual([
    { incarnations: 1 },
  ])
})

it('the commands say why the database cannot be reached', async () => {
  await expect(runStats({ data: '', store: shared.server.url('nowhere') }, true, print)).rejects.toThrow(
    'cannot be reached: database "nowhere"',
  )
})
