import { decodePolicy, encodePolicy, type FeedName, type Key, otherSide, type Policy, policyKey } from '@entente/protocol'
import { decodeUtf8, encodeUtf8 } from 'lib0/string'
import type { Value } from '../schema/value.js'
import type { Comparison } from './compare.js'
import type { FeedKey } from './feed-key.js'
import { connectionFeed, type FeedRole, isConfirmed, rotationOf, teamFeed, textOf } from './feed-role.js'
import type { ReplicaContext } from './replica-context.js'
import type { RowsView } from './rows-view.js'
import type { Address, Head } from './stored.js'

/** Reads the policy that a control entry holds as text; undefined for none. The relay takes no unreadable one, so that is none too. */
export function readPolicy(body: Value | undefined): Policy | undefined {
  if (typeof body !== 'string') return undefined
  try {
    return decodePolicy(encodeUtf8(body))
  } catch {
    return undefined
  }
}

export function policyText(policy: Policy): string {
  return decodeUtf8(encodePolicy(policy))
}

/** Rows from which follows what an org says to its peers, and who may say it. */
const firstObjects = ['Roster', 'Connection', 'Agreement', 'Grant', 'SharingRule', 'Setting'] as const

/**
 * Whether the team lacks something that goes before whatever is said to a peer (rule TM1): this device has not read its team's rows to their end, or what was
 * decided here is not acknowledged there. What the relay does not take holds nothing up. Where this device were lost now, no other one would know why the peer was told.
 */
export function isTeamBehind(
  { replicaState, sealer, org, deciding, disabledRules }: ReplicaContext,
  isRefused: (feed: FeedName, key: Key) => boolean,
): boolean {
  if (!sealer.names || disabledRules.has('team-first')) return false
  const team = teamFeed(org, 'rows')
  if (replicaState.feed(team).rebuild || deciding?.hasUnsigned === true) return true
  for (const object of firstObjects) for (const key of replicaState.dirtyKeysOf(team, object)) if (!isRefused(team, key)) return true
  return false
}

/**
 * Whether a row must be acknowledged in the team's feed first: a doc whose record map was lost with this device could never be narrowed (rule TM1). Asked
 * before anything is compared: of a large import, every doc waits so.
 *
 * @param address of what is due in a connection's feed
 */
export function awaitsTeam({ replicaState, sealer, org, disabledRules }: ReplicaContext, address: Address): boolean {
  return sealer.names !== undefined && !disabledRules.has('team-first') && replicaState.isRowDirty(teamFeed(org, 'rows'), address)
}

/**
 * Whether a feed key may be published now. A connection's doc waits until both sides have registered a policy of its agreement version, else the relay
 * would answer WAIT. The policy that ends a connection waits until all docs are erased, because the peer reads nothing after it (rule CN8).
 */
export function mayPublish(context: ReplicaContext, feedKey: FeedKey, { feedRole, desired }: Comparison, rows: RowsView): boolean {
  if (awaitsRotation(context, feedKey, feedRole, desired, rows)) return false
  const { replicaState } = context
  if (feedRole.kind !== 'connection') return true
  if (feedRole.topic === 'messages') {
    if (feedKey.key !== policyKey || desired.kind !== 'control' || !readPolicy(desired.register[1])?.ended) return true
    return (['lead', 'opportunity'] as const).every(
      (topic) => !replicaState.isUnsettled(connectionFeed(feedRole.connection, feedRole.side, topic)),
    )
  }
  if (desired.kind !== 'doc') return true
  if (!isConfirmed(rows.get('Connection', feedRole.connection))) return false
  const own = connectionFeed(feedRole.connection, feedRole.side, 'messages')
  const peer = connectionFeed(feedRole.connection, otherSide(feedRole.side), 'messages')
  if (replicaState.dirtyFlag(own, policyKey)) return false
  return [own, peer].every((feed) => policyVersion(replicaState.head(feed, policyKey)) === desired.version)
}

/**
 * Whether a key waits for a rotation (rule RT9): under the keys of before, whoever was removed from the org could read it. What takes back passes, and what
 * brings keys.
 */
function awaitsRotation(
  { keyring, org }: ReplicaContext,
  { key }: FeedKey,
  feedRole: FeedRole,
  { kind }: Comparison['desired'],
  rows: RowsView,
): boolean {
  if (feedRole.kind === 'mailbox' || kind === 'erased' || kind === 'control' || rotationOf(key) !== undefined) return false
  if (feedRole.kind === 'team') return keyring.isOwnDue(org)
  const row = rows.get('Connection', feedRole.connection)
  if (textOf(row, 'state') !== 'Enabled' || !isConfirmed(row)) return false
  return keyring.isOwnDue(org) || keyring.isSendingDue(feedRole.connection, feedRole.side)
}

const versions = new WeakMap<Head, number | undefined>()

/** The version of a policy under which docs may flow. None flow under a policy that ended the connection. */
function policyVersion(head: Head | undefined): number | undefined {
  if (!head || head.kind !== 'control' || head.lost) return undefined
  if (!versions.has(head)) {
    const policy = readPolicy(JSON.parse(head.body))
    versions.set(head, policy?.ended ? undefined : policy?.version)
  }
  return versions.get(head)
}
