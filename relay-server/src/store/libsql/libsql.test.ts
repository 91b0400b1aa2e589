import { chmod, cp, mkdir, mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'libsql'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { bounds, DocWriter, erasure, feed, message, nameOf, org } from '../contract/writes.js'
import { describeStore } from '../contract/contract.js'
import { checkLibsqlFile } from './check.js'
import { openToOthers } from './owner.js'
import { openLibsqlStore } from './libsql.js'

describeStore('the embedded store', () => {
  let directory = ''
  const data = (): string => join(directory, 'data')
  return {
    open: async () => {
      directory = await mkdtemp(join(tmpdir(), 'entente-store-'))
      return openLibsqlStore(data())
    },
    reopen: async (store) => {
      await store.close()
      return openLibsqlStore(data())
    },
    backUp: async (store) => {
      await store.close()
      const copy = join(directory, 'copy')
      await cp(data(), copy, { recursive: true })
      return async () => {
        await rm(data(), { recursive: true })
        await cp(copy, data(), { recursive: true })
        return openLibsqlStore(data())
      }
    },
    cleanUp: () => rm(directory, { recursive: true, force: true }),
  }
})

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'entente-store-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

it('leaves a file of a newer relay or of something else untouched', async () => {
  await (await openLibsqlStore(directory)).close()
  for (const [version, words] of [
    [99, 'newer relay'],
    [-5, 'not a relay'],
  ] as const) {
    const database = new Database(join(directory, 'relay.db'))
    database.exec(`PRAGMA user_version = ${version}`)
    database.close()
    await expect(openLibsqlStore(directory)).rejects.toThrow(words)
    await expect(openLibsqlStore(directory, { beside: true })).rejects.toThrow(words)
  }
})

it('lets one relay at a time use a directory', async () => {
  const store = await openLibsqlStore(directory)
  await expect(openLibsqlStore(directory)).rejects.toThrow('Another relay')
  await store.close()
  await (await openLibsqlStore(directory)).close()
})

it('makes its directory with those above it, and says at once where that cannot be', async () => {
  await (await openLibsqlStore(join(directory, 'one', 'two'))).close()
  await writeFile(join(directory, 'file'), '')
  // On /proc every mkdir says that the directory above is missing, which node's recursive one believes for ever.
  const below = process.platform === 'linux' ? ['/proc/nope', '/proc/nope/deeper'] : []
  for (const location of [...below, join(directory, 'file'), join(directory, 'file', 'deeper')])
    await expect(openLibsqlStore(location), location).rejects.toThrow(`The data in ${location} cannot be written`)
})

describe.skipIf(process.platform === 'win32')('on a machine that others use too', () => {
  let before: number
  beforeEach(() => (before = process.umask(0)))
  afterEach(() => process.umask(before))

  const modes = async (at: string): Promise<Readonly<Record<string, string>>> => {
    const names = ['.', ...(await readdir(at))]
    const each = names.map(async (name) => [name, ((await stat(join(at, name))).mode & 0o777).toString(8)] as const)
    return Object.fromEntries(await Promise.all(each))
  }

  it('keeps its directory and all its files to their owner, whatever the umask (row 98)', async () => {
    const data = join(directory, 'one', 'two')
    const store = await openLibsqlStore(data)
    await store.commit([message('m')])
    expect(await modes(data)).toEqual({
      '.': '700',
      'relay.db': '600',
      'relay.db-shm': '600',
      'relay.db-wal': '600',
      'relay.lock': '600',
      'relay.lock-journal': '600',
    })
    expect((await modes(join(directory, 'one')))['.']).toBe('700')
    expect(openToOthers(data)).toEqual([])
    await store.close()
  })

  it('takes its files from the others who could read them, and tells of a directory that they can (row 98)', async () => {
    const data = join(directory, 'data')
    await mkdir(data, { mode: 0o755 })
    const killed = await openLibsqlStore(data)
    await killed.commit([message('m')])
    const copy = join(directory, 'copy')
    await cp(data, copy, { recursive: true })
    await killed.close()
    for (const name of ['.', ...(await readdir(copy))]) await chmod(join(copy, name), name === '.' ? 0o755 : 0o644)
    expect(openToOthers(copy)).toContain('relay.db-wal')
    const store = await openLibsqlStore(copy)
    await store.commit([message('m2')])
    expect(await modes(copy)).toEqual({
      '.': '755',
      'relay.db': '600',
      'relay.db-shm': '600',
      'relay.db-wal': '600',
      'relay.lock': '600',
      'relay.lock-journal': '600',
    })
    expect(openToOthers(copy)).toEqual(['.'])
    await store.close()
  })
})

it('overwrites what was erased, so that it is gone from the files', async () => {
  const store = await openLibsqlStore(directory)
  const secret = 'a-withdrawn-value-that-nobody-may-find'
  await store.commit([message('m', 0, secret.repeat(1_000))])
  await store.commit([erasure('m', 1)])
  await store.close()
  for (const name of await readdir(directory)) expect((await readFile(join(directory, name))).includes(secret), name).toBe(false)
})

it('tells how long the disk took for each transaction', async () => {
  const times: number[] = []
  const store = await openLibsqlStore(directory, { synced: (ms) => times.push(ms) })
  await store.commit([message('a')])
  expect(times).toHaveLength(1)
  expect(times[0]).toBeGreaterThan(0)
  await store.close()
})

it('is opened beside a running relay without an incarnation, and tells it what an operator decides', async () => {
  const store = await openLibsqlStore(directory)
  let told = 0
  store.watch({
    followedFeeds: () => [],
    followedMailboxes: () => [],
    feedGrew: () => {},
    mailboxChanged: () => {},
    accountsChanged: () => told++,
    storeReplaced: () => {},
  })
  const incarnation = store.incarnation()
  await store.commit([message('a')])
  const beside = await openLibsqlStore(directory, { beside: true })
  expect(beside.incarnation()).toBe(incarnation)
  expect(await beside.check()).toEqual([])
  await beside.changeAccount(org, { standing: 'revoked', quota: { docs: 5 } })
  await beside.close()
  await expect.poll(() => told, { timeout: 5_000 }).toBe(1)
  expect(await store.account(org)).toMatchObject({ standing: 'revoked', quota: { docs: 5 } })
  expect((await store.commit([message('b')])).sequences).toEqual([2])
  expect(await store.stats()).toMatchObject({ incarnations: 1 })
  await store.close()
})

it('does not make a store where an operator looks for one', async () => {
  await expect(openLibsqlStore(join(directory, 'nowhere'), { beside: true })).rejects.toThrow('no store')
  expect(await readdir(directory)).toEqual([])
})

/** Each damage as SQL, and what the check says of it. */
const damages = [
  ['UPDATE docs SET merged = 99 WHERE key = "m"', 'has not reached'],
  ['UPDATE docs SET merged = 99 WHERE key = "r1"', 'merged already'],
  ['UPDATE docs SET bytes = bytes + 1 WHERE key = "m"', 'another size'],
  ['UPDATE docs SET vector = x"00" WHERE key = "r1"', 'state vector'],
  ['UPDATE tails SET bytes = zeroblob(length(bytes))', 'r1: cannot be loaded'],
  ['UPDATE tails SET head = zeroblob(length(head))', 'r1: has an update with the head of another'],
  ['UPDATE docs SET kind = 9 WHERE key = "m"', 'unknown kind'],
  ['UPDATE docs SET merged = 1 WHERE key = "m"', 'several entries'],
  ['UPDATE docs SET merged = 3 WHERE key = "m"', 'several entries'],
  ['UPDATE states SET bytes = zeroblob(length(bytes)) WHERE doc = (SELECT id FROM docs WHERE key = "r1")', 'r1'],
  ['DELETE FROM states WHERE doc = (SELECT id FROM docs WHERE key = "m")', 'has no state'],
  ['DELETE FROM docs WHERE key = "r1"', 'belongs to no doc'],
  ['DELETE FROM tails', 'account'],
  ['UPDATE tails SET feed = 7', 'of another feed'],
  ['UPDATE feeds SET id = 7', 'belongs to no feed'],
  ['UPDATE feeds SET incarnation = 7', 'incarnations'],
  ['UPDATE feed_incarnations SET head = 9', 'incarnations'],
  ['UPDATE orgs SET bytes = bytes - 1', 'account'],
  ['UPDATE orgs SET docs = docs + 1', 'account'],
  ['DELETE FROM orgs', 'account'],
  ['UPDATE settings SET secret = x"00"', 'secret'],
] as const

it.each(damages)('finds in its check: %s', async (sql, words) => {
  const doc = new DocWriter('r1')
  const store = await openLibsqlStore(directory)
  await store.commit([doc.begin(), message('m'), doc.update(1)])
  expect(await store.check()).toEqual([])
  const database = new Database(join(directory, 'relay.db'))
  database.exec(sql.replaceAll('"', "'"))
  database.close()
  expect((await store.check()).join('\n')).toContain(words)
  await store.close()
})

it('finds pages of the file that were overwritten', async () => {
  const store = await openLibsqlStore(directory)
  await store.commit(Array.from({ length: 500 }, (_, index) => new DocWriter(`r${index}`).begin()))
  await store.close()
  const path = join(directory, 'relay.db')
  const file = await open(path, 'r+')
  const { size } = await file.stat()
  for (let at = 4096 * 20; at < size; at += 4096 * 3) await file.write(Buffer.alloc(512, 0xff), 0, 512, at)
  await file.close()
  expect(await checkLibsqlFile(path)).not.toEqual([])
})

it('finds what the compaction of a long tail leaves in order', async () => {
  const store = await openLibsqlStore(directory)
  const doc = new DocWriter('r1')
  await store.commit([doc.begin()])
  for (let seen = 1; seen < 40; seen++) await store.commit([doc.update(seen)])
  const found = await store.doc(nameOf('r1'))
  expect(found && (await store.compact(nameOf('r1'), found, doc.mergedUpTo(39)))).toBe(true)
  expect((await store.page(feed, 0, bounds)).entries.length).toBe(1)
  expect(await store.check()).toEqual([])
  await store.close()
})
