import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import { TestPostgres } from './postgres.js'
import { openPostgresStore } from '../store/postgres/postgres.js'
import type { Store } from '../store/store.js'

/** A server for the tests of one file, with a new database for each, and the stores that they open on it. */
export class SharedDatabase {
  #server: TestPostgres | undefined
  /** The name of the present test's database. */
  name = ''
  /** Closed after the test. */
  stores: Store[] = []

  /** Sets up and clears away around the tests of the file that calls it. */
  constructor() {
    beforeAll(async () => {
      this.#server = await TestPostgres.start()
    })
    afterAll(() => this.server.remove())
    beforeEach(async () => {
      this.name = await this.server.newDatabase()
      this.stores = []
    })
    afterEach(async () => {
      await Promise.all(this.stores.map((store) => store.close()))
    })
  }

  get server(): TestPostgres {
    if (!this.#server) throw new Error('There is no server outside of a test.')
    return this.#server
  }

  /** Opens the database as one more relay, which looks often, so that no test waits long. */
  async open(times = { revision: 100, heads: 300 }): Promise<Store> {
    const store = await openPostgresStore(this.server.url(this.name), { times })
    this.stores.push(store)
    return store
  }

  /** Connects to the database past every relay. */
  async connect(): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: this.server.url(this.name) })
    await client.connect()
    return client
  }
}
