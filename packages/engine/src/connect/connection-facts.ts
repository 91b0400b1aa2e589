import {
  type ConnectionId,
  feedName,
  type FeedName,
  type Key,
  type OrgId,
  otherSide,
  parseConnectionId,
  parseKey,
  parseOrgId,
  type Side,
  sides,
} from '@entente/protocol'
import { EngineError } from '../error.js'
import { isConfirmed, isOnHold, textOf } from '../replica/feed-role.js'
import { type Row, valueOf } from '../row/row.js'
import type { Condition, RowEdit, RowReader, Rows } from '../row/rows.js'
import type { Value } from '../schema/value.js'

/** What the product modules read of a connection. */
export interface ConnectionFacts {
  readonly id: ConnectionId
  readonly side: Side
  readonly enabled: boolean
  /** Whether either org has paused it, so that no record travels (rule PA2). */
  readonly paused: boolean
  /** Whether an admin of this org confirmed that both screens show the same code. */
  readonly verified: boolean
  /** Whether admins of both orgs did, so that values may leave (rule CN10). */
  readonly confirmed: boolean
  readonly peer: OrgId
  /** What this org calls the other: by its own label, else by the name that the other gave. */
  readonly peerName: string
  /** Base64url; both orgs know it and the relay does not. */
  readonly secret: string
  /** The messages feeds of this org and of the peer. */
  readonly ownMessages: FeedName
  readonly peerMessages: FeedName
}

const factsByRow = new WeakMap<Row, ConnectionFacts>()

/** Reads a Connection row. Undefined until the peer and the shared secret are known. */
export function connectionFacts(row: Row | undefined): ConnectionFacts | undefined {
  if (!row) return undefined
  const known = factsByRow.get(row)
  if (known) return known
  const side = sides.find((each) => each === valueOf(row, 'side'))
  const [secret, state] = [valueOf(row, 'secret'), valueOf(row, 'state')]
  const peer = valueOf(row, side === 'vendor' ? 'partner' : 'vendor')
  if (!side || typeof secret !== 'string' || secret === '' || typeof peer !== 'string' || peer === '') return undefined
  const id = parseConnectionId(row.id)
  const messages = (of: Side): FeedName => feedName({ kind: 'connection', connection: id, side: of, topic: 'messages' })
  const facts: ConnectionFacts = {
    id,
    side,
    enabled: state === 'Enabled',
    paused: isOnHold(row),
    verified: valueOf(row, 'verified') === 'yes',
    confirmed: isConfirmed(row),
    peer: parseOrgId(peer),
    peerName: textOf(row, 'label') ?? textOf(row, 'peerName') ?? '',
    secret,
    ownMessages: messages(side),
    peerMessages: messages(otherSide(side)),
  }
  factsByRow.set(row, facts)
  return facts
}

/** The connections over which records travel now: those that neither org has paused. */
export function flowingConnections(rows: Rows, side?: Side): ConnectionFacts[] {
  return enabledConnections(rows, side).filter(({ paused }) => !paused)
}

/** The connections that neither side has ended. */
export function enabledConnections(rows: Rows, side?: Side): ConnectionFacts[] {
  const list: ConnectionFacts[] = []
  for (const row of rows.list('Connection').values()) {
    const facts = connectionFacts(row)
    if (facts?.enabled && (side === undefined || facts.side === side)) list.push(facts)
  }
  return list
}

/** @throws EngineError NOT_FOUND, NOT_CONNECTED, or NOT_ALLOWED on the other side */
export function requireConnection(rows: RowReader, id: ConnectionId, side?: Side): ConnectionFacts {
  const row = rows.get('Connection', id)
  if (!row) throw new EngineError('NOT_FOUND', 'This connection does not exist. Choose another one.')
  const facts = connectionFacts(row)
  if (!facts?.enabled)
    throw new EngineError('NOT_CONNECTED', 'The connection is not enabled. Wait until both orgs have connected, or connect again.')
  if (side !== undefined && facts.side !== side)
    throw new EngineError('NOT_ALLOWED', `Only the ${side} may do this. Ask a person of the ${side}.`)
  return facts
}

/** That a connection is enabled also where edits are saved, and what else must hold of the rows then. Throws as `requireConnection` does. */
export function whileConnected({ id, side }: Pick<ConnectionFacts, 'id' | 'side'>, more: Partial<Condition> = {}): Condition {
  return {
    reads: [{ object: 'Connection', id }, ...(more.reads ?? [])],
    holds(stored) {
      requireConnection(stored, id, side)
      return more.holds?.(stored) ?? true
    },
  }
}

/** The user id under which an org records what a connection's exports, imports and mirrors did. */
export function integrationUser(connection: ConnectionId): string {
  return `integration.${connection}`
}

/** The id of the row that holds an own message. */
export function messageId(feed: FeedName, key: Key | string): string {
  return `${feed}#${parseKey(key)}`
}

/** The edit that publishes an own message, or erases it (null). */
export function messageEdit(feed: FeedName, key: Key | string, body: Value): RowEdit {
  return { object: 'Message', id: messageId(feed, key), values: { body } }
}
