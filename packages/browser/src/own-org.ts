import { type Engine, EngineError } from '@entente/engine'
import { openBrowserEngine } from './open.js'

/** Which org a page shows, in the words of a page's author. */
export interface OwnOrg {
  /** The org's name in this browser, as in the address of its workspace: `workspace.html?org=acme`. `default` where the address names none. */
  readonly org: string
  /** The relay's address: `https://relay.example`, or its socket, `wss://relay.example/socket`. */
  readonly relay: string
}

/**
 * Opens the org that the app made in this browser, for a page that only shows it. A browser keeps orgs for each origin apart. Pages of one origin share the
 * org: one of them leads and holds the line to the relay.
 *
 * @throws EngineError NOT_FOUND if this origin has no such org, or has it on another relay, where it stays; INVALID for an address that is none of a relay;
 *   else as `openBrowserEngine`
 */
export async function openOwnOrg({ org, relay }: OwnOrg): Promise<Engine> {
  const name = ownOrgStore(org)
  const socket = relaySocket(relay)
  const kept = keptRelay(name)
  if (kept === undefined) throw new EngineError('NOT_FOUND', `There is no org “${org}” in this browser for ${location.host} yet.`)
  // The author of a page moves no org: it would hand to another relay all that the org publishes.
  if (kept !== socket)
    throw new EngineError('NOT_FOUND', `The org “${org}” of this browser uses the relay ${new URL(kept).host}, and stays there.`)
  return openBrowserEngine({ name, relay: socket })
}

/** The store of an org by its name in this browser. Nobody else sees the name. */
export function ownOrgStore(org: string): string {
  return `${storePrefix}${org.replace(/[^A-Za-z0-9_-]/g, '').slice(0, 40) || 'default'}`
}

/** The socket of the relay on which this browser made or last opened an org. Undefined if it has none of this store. */
export function keptRelay(store: string): string | undefined {
  return localStorage.getItem(keptAs(store)) ?? undefined
}

/** Keeps the relay of an org that was opened. */
export function keepRelay(store: string, relay: string): void {
  localStorage.setItem(keptAs(store), relay)
}

/** Forgets the relay of a store that holds nothing any more, so that another org may take the name. */
export function forgetRelay(store: string): void {
  localStorage.removeItem(keptAs(store))
}

/** What this browser knew of an org when it was opened last, by its store: also once the browser has lost the org itself. */
export function hadOrg(store: string): { readonly id: string; readonly name: string } | undefined {
  const [id, ...name] = (localStorage.getItem(hadAs(store)) ?? '').split(' ')
  return id ? { id, name: name.join(' ') } : undefined
}

/** Notes that this browser has an org, apart from the org itself: browsers delete the two at different times. */
export function keepOrg(store: string, { id, name }: Engine['org']): void {
  localStorage.setItem(hadAs(store), `${id} ${name}`)
}

/** An org that this browser has, or had when it was opened last. */
export interface KeptOrg {
  /** The org's name in this browser, as `OwnOrg.org`. */
  readonly org: string
  /** The name of its store, as `openBrowserEngine` takes it. */
  readonly store: string
  readonly id: string
  /** What the org calls itself. */
  readonly name: string
  /** The relay's socket. */
  readonly relay: string | undefined
}

/** The orgs of this browser, for this origin, by name. Opens none of them. */
export function keptOrgs(): readonly KeptOrg[] {
  const first = hadAs(storePrefix)
  return Object.keys(localStorage)
    .filter((key) => key.startsWith(first))
    .flatMap((key) => {
      const store = key.slice(hadAs('').length)
      const had = hadOrg(store)
      return had ? [{ org: store.slice(storePrefix.length), store, ...had, relay: keptRelay(store) }] : []
    })
    .sort((a, b) => a.name.localeCompare(b.name) || a.org.localeCompare(b.org))
}

/** A name for another org in this browser: `default` for the first, then `org-2` and so on. The name of one that is being joined is taken, by its relay. */
export function freeOrgName(): string {
  const isTaken = (org: string): boolean => {
    const store = ownOrgStore(org)
    return hadOrg(store) !== undefined || keptRelay(store) !== undefined
  }
  if (!isTaken('default')) return 'default'
  let number = 2
  while (isTaken(`org-${number}`)) number++
  return `org-${number}`
}

const hadAs = (store: string): string => `entente-org/${store}`

const storePrefix = 'workspace-'

const keptAs = (store: string): string => `entente-relay/${store}`

function relaySocket(address: string): string {
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (url === undefined || !['http:', 'https:', 'ws:', 'wss:'].includes(url.protocol))
    throw new EngineError('INVALID', `“${address}” is no address of a relay. Write it like https://relay.example.`)
  const path = url.pathname === '/' ? '/socket' : url.pathname
  return `${url.protocol.replace('http', 'ws')}//${url.host}${path}`
}
