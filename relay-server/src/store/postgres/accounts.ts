import type { OrgId } from '@entente/protocol'
import { type Account, type AccountChange, noUsage, type Standing, type Usage } from '../account.js'
import { flagOf, type PostgresRow, type PostgresValue, type PostgresStatement } from './connection.js'
import { reads, toAccount, toStanding } from './reads.js'
import { writes } from './writes.js'
import type { KeyName } from '../store.js'

/** Accounts in the database, through any function that runs a statement. */
export class PostgresAccounts {
  readonly #ask: (statement: PostgresStatement, values: readonly PostgresValue[]) => Promise<readonly PostgresRow[]>

  constructor(ask: (statement: PostgresStatement, values: readonly PostgresValue[]) => Promise<readonly PostgresRow[]>) {
    this.#ask = ask
  }

  async one(org: OrgId): Promise<Account> {
    const [row] = await this.#ask(reads.account, [org])
    return row ? toAccount(row) : { org, standing: 'none', quota: {}, usage: noUsage }
  }

  async standing(org: OrgId, { feed, key }: KeyName): Promise<{ readonly standing: Standing; readonly hasControlEntry: boolean }> {
    const [row] = await this.#ask(reads.standing, [org, feed, key])
    return { standing: !row || row['standing'] === null ? 'none' : toStanding(row), hasControlEntry: flagOf(row, 'has_control_entry') }
  }

  async page(after: string, limit: number): Promise<readonly Account[]> {
    return (await this.#ask(reads.accounts, [after, limit])).map(toAccount)
  }

  async fullest({ bytes, docs, connections }: Usage, limit: number): Promise<readonly Account[]> {
    return (await this.#ask(reads.fullest, [bytes, docs, connections, limit])).map(toAccount)
  }

  /** @returns whether the account changed */
  async change(org: OrgId, { standing, quota = {}, onlyFrom }: AccountChange): Promise<boolean> {
    const bounds = [quota.bytes, quota.docs, quota.connections].flatMap((bound) => [bound !== undefined, bound ?? null])
    const [row] = await this.#ask(writes.account, [org, standing ?? null, onlyFrom ?? null, ...bounds])
    return flagOf(row, 'done')
  }
}
