import type { OrgId } from '@entente/protocol'
import { type Account, noUsage } from './account.js'
import type { PostgresRow, PostgresValue, Statement } from './postgres-connection.js'
import { reads, toAccount } from './postgres-reads.js'
import { writes } from './postgres-writes.js'

/** Accounts in the database, over whatever asks it. */
export class PostgresAccounts {
  readonly #ask: (statement: Statement, values: readonly PostgresValue[]) => Promise<readonly PostgresRow[]>

  constructor(ask: (statement: Statement, values: readonly PostgresValue[]) => Promise<readonly PostgresRow[]>) {
    this.#ask = ask
  }

  async one(org: OrgId): Promise<Account> {
    const [row] = await this.#ask(reads.account, [org])
    return row ? toAccount(row) : { org, standing: 'none', quota: {}, usage: noUsage }
  }

  async page(after: string, limit: number): Promise<readonly Account[]> {
    return (await this.#ask(reads.accounts, [after, limit])).map(toAccount)
  }

  async change(org: OrgId, { standing, quota }: Pick<Account, 'standing' | 'quota'>): Promise<void> {
    await this.#ask(writes.account, [org, standing, quota.bytes ?? null, quota.docs ?? null, quota.connections ?? null])
  }
}
