import type { OrgId, Roster } from '@entente/protocol'
import { type Account, type AccountChange, noUsage, type Usage } from '../account.js'
import { flagOf, numberOf, textOf, type PostgresRow, type PostgresValue, type PostgresStatement } from './connection.js'
import { reads, toAccount, toStanding } from './reads.js'
import { writes } from './writes.js'
import type { StandingAndRoster } from '../store.js'

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

  async standing(org: OrgId): Promise<StandingAndRoster> {
    const [row] = await this.#ask(reads.standing, [org])
    return { standing: !row || row['standing'] === null ? 'none' : toStanding(row), roster: numberOf(row, 'roster') }
  }

  async roster(org: OrgId): Promise<string | undefined> {
    const [row] = await this.#ask(reads.roster, [org])
    return row && textOf(row, 'token')
  }

  /** @returns whether it is kept now */
  async keepRoster({ org, number, token }: Pick<Roster, 'org' | 'number' | 'token'>): Promise<boolean> {
    const [row] = await this.#ask(writes.roster, [org, number, token])
    return flagOf(row, 'done')
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
