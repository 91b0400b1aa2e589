import type { OrgId } from '@entente/protocol'
import type pg from 'pg'
import type { Account, AccountChange } from '../account.js'
import { PostgresAccounts } from './accounts.js'
import { checkDatabase, statsOf } from './check.js'
import { ask, connect, sessionSql } from './connection.js'
import { findVersion, refuseOtherVersion } from './schema.js'
import type { StoreBeside, StoreStats } from '../store.js'

/**
 * Opens the database at `url` for an operator's command while relays may be running on it. It creates no store and draws no incarnation. Relays notice a
 * change of an account within about a second.
 *
 * @throws Error when the database cannot be reached, or holds no store of this version
 */
export async function openPostgresBeside(url: string): Promise<StoreBeside> {
  const client = await connect(url)
  try {
    await client.query(sessionSql)
    const version = await findVersion(client)
    if (version === undefined) throw new Error('There is no store in this database; a relay makes it when it starts.')
    refuseOtherVersion(version)
    return new PostgresBeside(url, client)
  } catch (error) {
    await client.end().catch(() => {})
    throw error
  }
}

class PostgresBeside implements StoreBeside {
  readonly #url: string
  readonly #client: pg.Client
  readonly #accounts: PostgresAccounts

  constructor(url: string, client: pg.Client) {
    this.#url = url
    this.#client = client
    this.#accounts = new PostgresAccounts((statement, values) => ask(client, statement, values))
  }

  account(org: OrgId): Promise<Account> {
    return this.#accounts.one(org)
  }

  accounts(after: string, limit: number): Promise<readonly Account[]> {
    return this.#accounts.page(after, limit)
  }

  changeAccount(org: OrgId, change: AccountChange): Promise<boolean> {
    return this.#accounts.change(org, change)
  }

  stats(): Promise<StoreStats> {
    return statsOf(this.#url)
  }

  check(): Promise<readonly string[]> {
    return checkDatabase(this.#url)
  }

  async close(): Promise<void> {
    await this.#client.end().catch(() => {})
  }
}
