import type { OrgId } from '@entente/protocol'
import { type Account, type AccountChange, noUsage, type Usage } from './account.js'
import { flagOf, type PostgresRow, type PostgresValue, type Statement } from './postgres-connection.js'
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

  async fullest({ bytes, docs, connections }: Usage, limit: number): Promise<readonly Account[]> {
    return (await this.#ask(reads.fullest, [bytes, docs, connections, limit])).map(toAccount)
  }

  /** @returns whether anything was changed */
  async change(org: OrgId, { standing, quota = {}, onlyFrom }: AccountChange): Promise<boolean> {
    const bounds = [quota.bytes, quota.docs, quota.connections].flatMap((bound) => [bound !== undefined, bound ?? null])
    const [row] = await this.#ask(writes.account, [org, standing ?? null, onlyFrom ?? null, ...bounds])
    return flagOf(row, 'done')
  }
}
