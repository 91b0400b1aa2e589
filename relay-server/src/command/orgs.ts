import type { OrgId } from '@entente/protocol'
import type { Command } from '../config/command-line.js'
import type { Account, AccountChange, Quota } from '../store/account.js'
import type { StoreBeside, StoreLocation } from '../store/store.js'
import { type Print, toStdout, withStore } from './with-store.js'

type OrgsCommand = Extract<Command, { readonly command: 'orgs' }>

/** Accounts per read. */
const pageAccounts = 500

/**
 * Lists the orgs of a store, or changes one org's standing or quota. A running relay applies the change within a second or two.
 *
 * @returns the exit code, 0
 * @throws Error when there is no store, or it cannot be read or written
 */
export async function runOrgs(command: OrgsCommand, print: Print = toStdout): Promise<number> {
  switch (command.action) {
    case 'list':
      return withStore(command.location, (store) => list(store, command.json, print))
    case 'allow':
      return decide(command.location, command.org, { standing: 'allowed' }, print)
    case 'revoke':
      return decide(command.location, command.org, { standing: 'revoked' }, print)
    case 'reset':
      return decide(command.location, command.org, { standing: 'none' }, print)
    case 'quota':
      return decide(command.location, command.org, { quota: command.quota }, print)
  }
}

async function list(store: StoreBeside, json: boolean, print: Print): Promise<number> {
  if (!json) print(columns('org', 'standing', ['bytes', 'docs', 'connections']))
  for (let after = ''; ;) {
    const page = await store.accounts(after, pageAccounts)
    for (const account of page) print(json ? JSON.stringify(account) : lineOf(account))
    const last = page.at(-1)
    if (!last) return 0
    after = last.org
  }
}

async function decide(location: StoreLocation, org: OrgId, change: AccountChange, print: Print): Promise<number> {
  return withStore(location, async (store) => {
    await store.changeAccount(org, change)
    print(columns('org', 'standing', ['bytes', 'docs', 'connections']))
    print(lineOf(await store.account(org)))
    return 0
  })
}

function lineOf({ org, standing, quota, usage }: Account): string {
  const of = (what: keyof Quota): string => `${usage[what]}${boundOf(quota[what])}`
  return columns(org, standing, [of('bytes'), of('docs'), of('connections')])
}

/** Undefined leaves the bound to the relay's settings; 0 is no bound. */
function boundOf(bound: number | undefined): string {
  if (bound === undefined) return ''
  return bound === 0 ? ' of any' : ` of ${bound}`
}

function columns(org: string, standing: string, counts: readonly string[]): string {
  return `${org.padEnd(45)}${standing.padEnd(10)}${counts.map((count) => count.padStart(26)).join('')}`
}
