import { keptRelay } from '@entente/browser'
import { confine } from '../policy/page-policy.js'

/** The socket of the relay that served this page. */
function ownRelay(): string {
  return `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/socket`
}

/**
 * The relay that this page's address asks for: `workspace.html?relay=wss://relay.example/socket`. It serves pages that another host than the relay serves.
 * Undefined where none is asked for, or none that a page may dial: a page that came by TLS dials by TLS.
 */
export function askedRelay(): string | undefined {
  return fitRelay(new URLSearchParams(location.search).get('relay'))
}

/** The address of a relay that a page may dial. Its host is plain: a policy reads `*` and `;` as more than a name. */
function fitRelay(text: string | null): string | undefined {
  if (text === null || !URL.canParse(text)) return undefined
  const { protocol, host, pathname, href } = new URL(text)
  const isFit = /^[\w.:[\]-]+$/.test(host) && href === `${protocol}//${host}${pathname}`
  return isFit && (protocol === 'wss:' || (protocol === 'ws:' && location.protocol === 'http:')) ? href : undefined
}

/** The relay of a page that holds no org of its own: the one that is asked for, or the one that served the page. The page can connect to no other from now on. */
export function relayAddress(): string {
  return confined(askedRelay() ?? ownRelay())
}

/** The relay of an org in this browser, once it has one: a link cannot take an org to another. The page can connect to no other from now on. */
export function relayOfOrg(store: string): string {
  return confined(fitRelay(keptRelay(store) ?? null) ?? askedRelay() ?? ownRelay())
}

/**
 * Where a page's address asks for another relay than its org has: that relay, and the address at which this browser makes another org for it. A link alone moves
 * no org: it would hand all that the org publishes to whoever wrote the link.
 */
export function otherRelay(store: string, address: string): { readonly asked: string; readonly href: string } | undefined {
  const asked = askedRelay()
  if (asked === undefined || asked === relayOfOrg(store)) return undefined
  const href = new URL(address)
  href.searchParams.set('org', new URL(asked).host.replace(/[^A-Za-z0-9_-]/g, '-'))
  return { asked: new URL(asked).host, href: href.href }
}

/** An address of this page for someone else: without its place and this browser's own name for the org, and with the relay where the page's own host is none. */
export function addressForOthers(store: string): string {
  const address = new URL(location.href)
  address.hash = ''
  address.searchParams.delete('org')
  const relay = relayOfOrg(store)
  if (relay !== ownRelay()) address.searchParams.set('relay', relay)
  return address.href
}

function confined(relay: string): string {
  confine(relay)
  return relay
}
