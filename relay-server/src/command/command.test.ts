import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'libsql'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { StoreLocation } from '../store/store.js'
import { bounds, DocWriter, erasure, feed, message, org, other } from '../store/contract/writes.js'
import { openLibsqlStore } from '../store/libsql/libsql.js'
import { runBackup } from './backup.js'
import { runCheck } from './check.js'
import { runOrgs } from './orgs.js'
import { runRestore } from './restore.js'
import { runStats } from './stats.js'

let directory: string
let location: StoreLocation
let copy: string
let said: string[]
const print = (line: string): void => {
  said.push(line)
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'entente-command-'))
  location = { data: join(directory, 'data'), store: undefined }
  copy = join(directory, 'monday.db')
  said = []
})
afterEach(() => rm(directory, { recursive: true, force: true }))

it('check says that a store is sound, beside the relay that runs on it, or what is wrong', async () => {
  const store = await openLibsqlStore(location.data)
  await store.commit([new DocWriter('r1').begin(), message('m'), erasure('gone', 0)])
  expect(await runCheck(location, print)).toBe(0)
  expect(said).toEqual(['The store is sound: 2 records and messages, 0 updates and 1 tombstones in 1 feeds.'])
  damage("UPDATE docs SET bytes = 9 WHERE key = 'm'")
  said = []
  expect(await runCheck(location, print)).toBe(1)
  expect(said[0]).toContain('account')
  expect(said.at(-1)).toContain('not sound')
  expect((await store.commit([message('n')])).sequences).toEqual([4])
  await store.close()
})

it('stats says what a store holds, in words or as JSON', async () => {
  await fill(3)
  expect(await runStats(location, true, print)).toBe(0)
  expect(JSON.parse(said[0] ?? '')).toMatchObject({ orgs: 1, feeds: 1, docs: 3, incarnations: 1 })
  said = []
  expect(await runStats(location, false, print)).toBe(0)
  expect(said.join('\n')).toMatch(/^records and messages +3$/m)
})

it('orgs lists, allows, revokes and bounds, and leaves alone what it was not asked about', async () => {
  await fill(2)
  await runOrgs({ command: 'orgs', location, action: 'allow', org: other }, print)
  await runOrgs({ command: 'orgs', location, action: 'quota', org, quota: { docs: 7 } }, print)
  await runOrgs({ command: 'orgs', location, action: 'quota', org, quota: { bytes: 0 } }, print)
  await runOrgs({ command: 'orgs', location, action: 'revoke', org }, print)
  said = []
  expect(await runOrgs({ command: 'orgs', location, action: 'list', json: true }, print)).toBe(0)
  expect(said.map((line): unknown => JSON.parse(line))).toEqual([
    { org, standing: 'revoked', quota: { bytes: 0, docs: 7 }, usage: { bytes: 4, docs: 2, connections: 0 } },
    { org: other, standing: 'allowed', quota: {}, usage: { bytes: 0, docs: 0, connections: 0 } },
  ])
  said = []
  await runOrgs({ command: 'orgs', location, action: 'list', json: false }, print)
  expect(said[1]).toMatch(new RegExp(`^${org} +revoked +4 of any +2 of 7 +0$`))
})

it('orgs takes back what was decided: a bound, or that an org is on the list or off it', async () => {
  await fill(1)
  await runOrgs({ command: 'orgs', location, action: 'quota', org, quota: { docs: 7, bytes: 9 } }, print)
  await runOrgs({ command: 'orgs', location, action: 'revoke', org }, print)
  await runOrgs({ command: 'orgs', location, action: 'quota', org, quota: { docs: null } }, print)
  expect(said.at(-1)).toMatch(new RegExp(`^${org} +revoked +2 of 9 +1 +0$`))
  await runOrgs({ command: 'orgs', location, action: 'reset', org }, print)
  expect(said.at(-1)).toMatch(new RegExp(`^${org} +none +2 of 9 +1 +0$`))
})

it('backup writes a copy while the store is open, for its owner only, and never over another file', async () => {
  const store = await openLibsqlStore(location.data)
  await store.commit([new DocWriter('r1').begin(), message('m')])
  expect(await runBackup(location, copy, print)).toBe(0)
  expect((await stat(copy)).mode & 0o777).toBe(0o600)
  expect((await readdir(directory)).toSorted()).toEqual(['data', 'monday.db'])
  await expect(runBackup(location, copy, print)).rejects.toThrow('exists')
  damage("UPDATE docs SET bytes = 9 WHERE key = 'm'")
  await expect(runBackup(location, join(directory, 'tuesday.db'), print)).rejects.toThrow('not sound')
  await expect(runBackup(location, join(directory, 'nowhere', 'x.db'), print)).rejects.toThrow('nowhere')
  expect((await readdir(directory)).toSorted()).toEqual(['data', 'monday.db'])
  await store.close()
})

it('restore puts a copy in place under a new incarnation, and the present store aside', async () => {
  await fill(2)
  await runBackup(location, copy, print)
  const before = await openLibsqlStore(location.data)
  const [secret, incarnation] = [before.secret(), before.incarnation()]
  await before.commit([message('later')])
  await before.close()
  said = []
  expect(await runRestore(location, copy, print)).toBe(0)
  const aside = (await readdir(location.data)).find((name) => name.startsWith('relay.db.before-')) ?? ''
  expect(said.join('\n')).toContain(aside)
  const restored = await openLibsqlStore(location.data)
  expect((await restored.page(feed, 0, bounds)).head).toBe(2)
  expect(await restored.headSince(feed, incarnation, 2)).toBeUndefined()
  expect(restored.secret()).toEqual(secret)
  expect(await restored.check()).toEqual([])
  await restored.close()
  // And back again, from what was put aside.
  await runRestore(location, join(location.data, aside), print)
  const again = await openLibsqlStore(location.data)
  expect((await again.page(feed, 0, bounds)).head).toBe(3)
  await again.close()
})

it('restore takes what a killed relay left in its log aside with the rest', async () => {
  await fill(1)
  await runBackup(location, copy, print)
  const killed = await openLibsqlStore(location.data)
  await killed.commit([message('later')])
  const at = { ...location, data: join(directory, 'killed') }
  await mkdir(at.data)
  for (const name of ['relay.db', 'relay.db-wal']) await copyFile(join(location.data, name), join(at.data, name))
  await killed.close()
  await runRestore(at, copy, print)
  const names = await readdir(at.data)
  expect(names.filter((name) => name.endsWith('-wal'))).toEqual([])
  const aside = names.find((name) => name.startsWith('relay.db.before-')) ?? ''
  await runRestore({ ...location, data: join(directory, 'elsewhere') }, join(at.data, aside), print)
  const store = await openLibsqlStore(join(directory, 'elsewhere'))
  expect((await store.page(feed, 0, bounds)).head).toBe(2)
  await store.close()
})

it('restore keeps what was decided about orgs since the copy was made', async () => {
  await fill(1)
  await runBackup(location, copy, print)
  await runOrgs({ command: 'orgs', location, action: 'revoke', org }, print)
  await runOrgs({ command: 'orgs', location, action: 'quota', org: other, quota: { docs: 1 } }, print)
  await runRestore(location, copy, print)
  const store = await openLibsqlStore(location.data)
  expect(await store.account(org)).toMatchObject({ standing: 'revoked', usage: { docs: 1 } })
  expect(await store.account(other)).toMatchObject({ standing: 'none', quota: { docs: 1 } })
  await store.close()
})

it('restore fills an empty directory, and takes the place of a damaged store', async () => {
  await fill(1)
  await runBackup(location, copy, print)
  for (const file of ['relay.db', 'relay.db-wal']) {
    await writeFile(join(location.data, file), 'this is no database '.repeat(1_000))
    expect(await runRestore(location, copy, print)).toBe(0)
    expect(await runCheck(location, print)).toBe(0)
    const store = await openLibsqlStore(location.data)
    expect((await store.page(feed, 0, bounds)).head).toBe(1)
    await store.close()
  }
})

it('restore changes nothing where a relay runs, or the copy is not sound, not whole, of a newer relay, or not there', async () => {
  const store = await openLibsqlStore(location.data)
  await store.commit([message('m')])
  await runBackup(location, copy, print)
  await expect(runRestore(location, copy, print)).rejects.toThrow('Another relay')
  await store.close()
  const before = await readFile(join(location.data, 'relay.db'))
  await expect(runRestore(location, join(directory, 'none.db'), print)).rejects.toThrow('no file')
  const broken = await readFile(copy)
  await writeFile(join(directory, 'cut.db'), broken.subarray(0, broken.length - 4096 * 3))
  await writeFile(join(directory, 'text.db'), 'hello'.repeat(10_000))
  await writeFile(join(directory, 'empty.db'), '')
  for (const name of ['cut.db', 'text.db', 'empty.db'])
    await expect(runRestore(location, join(directory, name), print), name).rejects.toThrow('not sound')
  await copyFile(copy, join(directory, 'newer.db'))
  const newer = new Database(join(directory, 'newer.db'))
  newer.exec('PRAGMA user_version = 99')
  newer.close()
  await expect(runRestore(location, join(directory, 'newer.db'), print)).rejects.toThrow('newer relay')
  await writeFile(`${copy}-wal`, 'more of it')
  await expect(runRestore(location, copy, print)).rejects.toThrow('not whole')
  expect(await readFile(join(location.data, 'relay.db'))).toEqual(before)
  expect((await readdir(location.data)).filter((name) => name.includes('restoring') || name.includes('before'))).toEqual([])
})

it('says that there is no store, and makes none', async () => {
  for (const run of [() => runCheck(location, print), () => runBackup(location, copy, print), () => runStats(location, true, print)])
    await expect(run()).rejects.toThrow('There is no store')
  await expect(stat(location.data)).rejects.toThrow('ENOENT')
})

async function fill(count: number): Promise<void> {
  const store = await openLibsqlStore(location.data)
  await store.commit(Array.from({ length: count }, (_, index) => message(`m${index}`)))
  await store.close()
}

function damage(sql: string): void {
  const database = new Database(join(location.data, 'relay.db'))
  database.exec(sql)
  database.close()
}
