import type { ConnectionView, Engine } from '@entente/engine'
import { whyText } from '../share/share-words.js'
import { plainText } from '../value/show-text.js'

/** What a screen calls the other org of a connection: its own name for it, else what the other gave, as text from outside. */
export function connectionName({ label, peerName, side }: Pick<ConnectionView, 'label' | 'peerName' | 'side'>): string {
  return label ?? peerName ?? (side === 'vendor' ? 'the invited partner' : 'the inviting vendor')
}

/** What the other org is to the own one, and whether records flow: "partner, paused". */
export function connectionRole({ side, state, code, verified, peerVerified, why }: ConnectionView): string {
  const role = side === 'vendor' ? 'partner' : 'vendor'
  if (state === 'Disabled') return `${role}, ended`
  if (verified === 'mismatch') return `${role}, codes differ`
  if (state !== 'Enabled' || code === undefined) return `${role}, ${state === 'Error' ? 'stopped' : 'not complete'}`
  if (verified !== 'yes' || !peerVerified) return `${role}, codes not compared`
  return `${role}, ${why?.what === 'paused' ? 'paused' : 'connected'}`
}

/** All connections in one order on every screen and after every reload: those that have ended last, and by name. */
export function inOrder(connections: readonly ConnectionView[]): readonly ConnectionView[] {
  const rank = ({ state }: ConnectionView): number => Number(state === 'Disabled')
  return connections.toSorted((a, b) => rank(a) - rank(b) || byName(connectionName(a), connectionName(b)) || (a.id < b.id ? -1 : 1))
}

/** What is shown of several orgs, in the order of their names. */
export function inOrderOfPeers<T extends { readonly peerName: string }>(all: readonly T[]): readonly T[] {
  return all.toSorted((a, b) => byName(a.peerName, b.peerName))
}

/** Those that somebody is at the other end of, in their order: an open invitation has no screen of its own. */
export function connectionsWithPeer(engine: Engine, side?: ConnectionView['side']): readonly ConnectionView[] {
  return inOrder(engine.connections.list()).filter(
    (connection) => (side === undefined || connection.side === side) && (connection.code !== undefined || connection.state !== 'Pending'),
  )
}

const { compare: byName } = new Intl.Collator()

/** Why nothing flows over a connection now, with the time; of a pause also what it holds up, and who ends it. */
export function whyClosed(view: ConnectionView | undefined, language: string): string {
  if (!view?.why) return 'This connection is not complete.'
  const { why } = view
  const peer = plainText(connectionName(view), 80)
  const said = whyText(why, peer, language, Date.now())
  if (why.what !== 'paused') return said
  const whose = why.by === 'own' ? 'your org resumes' : why.by === 'peer' ? `${peer} resumes` : 'both resume'
  return `${said} Nothing flows meanwhile. What is edited flows when ${whose} it.`
}
