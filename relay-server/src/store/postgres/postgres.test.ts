import { afterAll, beforeAll, vi } from 'vitest'
import { TestPostgres } from '../../testing/postgres.js'
import { describeStore } from '../contract/contract.js'
import { openPostgresStore } from './postgres.js'

vi.setConfig({ testTimeout: 30_000, hookTimeout: 60_000 })

let server: TestPostgres
beforeAll(async () => {
  server = await TestPostgres.start()
})
afterAll(() => server.remove())

describeStore('the PostgreSQL store', () => {
  let database = ''
  const open = (): ReturnType<typeof openPostgresStore> => openPostgresStore(server.url(database))
  return {
    open: async () => {
      database = await server.newDatabase()
      return open()
    },
    reopen: async (store) => {
      await store.close()
      return open()
    },
    backUp: async (store) => {
      await store.close()
      const copy = await server.newDatabase(database)
      return async () => {
        await server.query(`DROP DATABASE ${database}`)
        database = copy
        return open()
      }
    },
    cleanUp: async () => {
      await server.query(`DROP DATABASE ${database}`)
    },
  }
})
