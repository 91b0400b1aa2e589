import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { emptyVector, feedName, parseKey, parseOrgId, zeroEpoch } from '@entente/protocol'
import Database from 'libsql'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { describeStore } from './contract.js'
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

it('leaves a file of a newer relay untouched', async () => {
  await (await openLibsqlStore(directory)).close()
  const database = new Database(join(directory, 'relay.db'))
  database.exec('PRAGMA user_version = 99')
  database.close()
  await expect(openLibsqlStore(directory)).rejects.toThrow('newer relay')
})

it('lets one relay at a time use a directory', async () => {
  const store = await openLibsqlStore(directory)
  await expect(openLibsqlStore(directory)).rejects.toThrow('Another relay')
  await store.close()
  await (await openLibsqlStore(directory)).close()
})

it('overwrites what was erased, so that it is gone from the files', async () => {
  const store = await openLibsqlStore(directory)
  const write = {
    feed: feedName({ kind: 'team', org: parseOrgId('a'.repeat(43)), topic: 'messages' }),
    key: parseKey('m'),
    whole: true,
    epoch: zeroEpoch,
    vector: emptyVector,
  } as const
  const secret = 'a-withdrawn-value-that-nobody-may-find'
  await store.commit([{ ...write, seen: 0, kind: 'message', bytes: Buffer.from(secret.repeat(1_000)) }])
  await store.commit([{ ...write, seen: 1, kind: 'erased', bytes: new Uint8Array() }])
  await store.close()
  for (const name of await readdir(directory)) expect((await readFile(join(directory, name))).includes(secret), name).toBe(false)
})
