import { type FeedName, type Key, type OrgId, otherSide, policyKey } from '@entente/protocol'
import { messageFeedKeyOf, type FeedKey, feedKeysOf, docFeedKey, type DesiredState, desiredStateAt } from './desired-state.js'
import type { ReplicaState } from './replica-state.js'
import { readPolicy } from './policy.js'
import { connectionFeed, type FeedRole, feedRoleOf, type RowsView, teamFeed, topicByObject } from './feed-role.js'
import { type LeftOut, type Need, needOf } from './project.js'
import type { Sealer } from './sealer.js'
import type { Address, Head } from './stored.js'
import type { RowStep } from '../row/rows.js'
import type { Row } from '../row/row.js'

/** All rows, for when a whole feed is compared with them. */
export interface AllRows {
  objects(): Iterable<string>
  list(object: string): ReadonlyMap<string, Row>
}

/** What comparing rows with what the relay is known to have stands on. */
export interface Comparing {
  readonly org: OrgId
  readonly sealer: Sealer
  readonly replicaState: ReplicaState
  readonly allRows: AllRows
  readonly team: boolean
  readonly leftOut: ReadonlySet<LeftOut>
}

export interface Compared {
  readonly feedRole: FeedRole
  readonly desired: DesiredState
  readonly need: Need
}

/** What is wanted at a place and what must be done for it, by these rows and this head. */
export function compareAt(comparing: Comparing, feedKey: FeedKey, rows: RowsView, head: Head | undefined): Compared | undefined {
  const feedRole = feedRoleOf(feedKey.feed, comparing.org, rows)
  if (!feedRole?.own) return undefined
  const desired = desiredStateAt(feedRole, feedKey.address, rows, comparing.sealer.names)
  return { feedRole, desired, need: needOf(desired, head, comparing.leftOut) }
}

/** The places, each once, that changed rows bear on. */
export function feedKeysOfSteps(comparing: Comparing, steps: readonly RowStep[], rows: RowsView): FeedKey[] {
  const feedKeys = new Map<string, FeedKey>()
  const names = comparing.team ? comparing.sealer.names : undefined
  for (const step of steps) {
    for (const feedKey of feedKeysOf(step, comparing.org, rows, names)) feedKeys.set(feedKeyName(feedKey.feed, feedKey.key), feedKey)
  }
  return [...feedKeys.values()]
}

/** Every place of an own feed at which a row may want something: for a feed that the relay has lost, or that is new. */
export function feedKeysOfFeed(comparing: Comparing, feed: FeedName, feedRole: FeedRole, rows: RowsView): FeedKey[] {
  const { allRows, sealer } = comparing
  const feedKeys: (FeedKey | undefined)[] = []
  if (feedRole.kind === 'mailbox' || feedRole.topic === 'messages') {
    for (const object of ['Message', 'ControlEntry']) for (const row of allRows.list(object).values()) feedKeys.push(messageFeedKeyOf(row))
  } else if (feedRole.kind === 'team') {
    const { names } = sealer
    for (const object of names ? allRows.objects() : []) {
      if (object === 'Message' || object === 'ControlEntry') continue
      for (const id of allRows.list(object).keys()) if (names) feedKeys.push({ feed, key: names.key(object, id), address: [object, id] })
    }
  } else {
    for (const map of rows.mapsOfConnection(feedRole.connection)) feedKeys.push(docFeedKey(map, rows))
  }
  return feedKeys.filter((feedKey): feedKey is FeedKey => feedKey?.feed === feed)
}

/** The rows on which the answer for a place depends: they must be read in the transaction that clears its mark. */
export function addressesOf({ address }: FeedKey, rows: RowsView): Address[] {
  const [object, id] = address
  if (object !== 'RecordMap') return [address]
  const map = rows.get(object, id)
  const [connection, topicObject, record] = ['connection', 'object', 'record'].map((field) => map?.registers[field]?.[1])
  if (typeof connection !== 'string' || typeof record !== 'string' || typeof topicObject !== 'string' || !topicByObject[topicObject])
    return [address]
  return [address, [topicObject, record], ['Agreement', connection], ['Connection', connection]]
}

/**
 * Whether a place may be published now. A connection's doc waits until both sides have registered the agreement's version (else the relay would answer
 * WAIT), and until the team has its record map: or the record, lost with this device, would leave a doc that no one knows how to narrow. That the
 * connection has ended is told to the relay once all docs are erased: after that the peer reads no more (rule CN8).
 */
export function mayPublish(comparing: Comparing, feedKey: FeedKey, { feedRole, desired }: Compared): boolean {
  const { replicaState, sealer, org, team, leftOut } = comparing
  if (feedRole.kind !== 'connection') return true
  if (feedRole.topic === 'messages') {
    if (feedKey.key !== policyKey || desired.kind !== 'control' || !readPolicy(desired.register[1])?.ended) return true
    return (['lead', 'opportunity'] as const).every(
      (topic) => !replicaState.isOpen(connectionFeed(feedRole.connection, feedRole.side, topic)),
    )
  }
  const names = team && !leftOut.has('team-first') ? sealer.names : undefined
  if (names && replicaState.dirtyFlag(teamFeed(org, 'rows'), names.key(...feedKey.address))) return false
  if (desired.kind !== 'doc') return true
  const own = connectionFeed(feedRole.connection, feedRole.side, 'messages')
  const peer = connectionFeed(feedRole.connection, otherSide(feedRole.side), 'messages')
  if (replicaState.dirtyFlag(own, policyKey)) return false
  return [own, peer].every((feed) => policyVersion(replicaState.head(feed, policyKey)) === desired.version)
}

const versions = new WeakMap<Head, number | undefined>()

/** The version of a policy under which docs may flow: of one that ended the connection none may. */
function policyVersion(head: Head | undefined): number | undefined {
  if (!head || head.kind !== 'control' || head.lost) return undefined
  if (!versions.has(head)) {
    const policy = readPolicy(head.body)
    versions.set(head, policy?.ended ? undefined : policy?.version)
  }
  return versions.get(head)
}

/** The text under which a place stands in maps. */
export const feedKeyName = (feed: FeedName, key: Key): string => `${feed}#${key}`
