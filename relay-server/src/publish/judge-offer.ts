import {
  admitUpdate,
  compareEpochs,
  connectionOfDocs,
  decodeControlEntry,
  decodeHead,
  decodePolicy,
  emptyVector,
  type ErrorCode,
  headKey,
  type Key,
  holdsMessages,
  messagesTopic,
  type Offer,
  type OrgId,
  type Policy,
  policyKey,
  ProtocolError,
  rosterNumber,
  type StateVector,
  takesBack,
  zeroEpoch,
} from '@entente/protocol'
import type { Access } from '../auth/feed-access.js'
import { highestVersion, type Policies } from './policy-cache.js'
import { growthOf, overQuota } from './quota.js'
import type { Quota, Usage } from '../store/account.js'
import type { KeyState, Write } from '../store/store.js'

/** Keys that one feed of a mailbox may hold (rule MB7). */
export const mailboxKeys = 16

/** A policy is a few numbers (rule PO6). */
const policyBytes = 4 * 1024

/** Everything that decides about one offer. It is loaded beforehand: judging neither waits nor reads. */
export interface OfferCase {
  readonly offer: Offer
  readonly access: Access
  readonly org: OrgId
  /** The org's quota (0 is no bound) and its usage, pending entries included. */
  readonly quota: Quota
  readonly usage: Usage
  /** The key's last entry. */
  readonly last: KeyState | undefined
  /** Whether an entry for the key is pending; the device of this offer cannot have seen it. */
  readonly isOvertaken: boolean
  /** Whether any entry of the feed is pending; no head can cover that one. */
  readonly isFeedPending: boolean
  /** The policies of the feed's connection; undefined for team feeds. */
  readonly policies: Policies | undefined
  /** Whether the key's doc still has a slot that either org has withdrawn. */
  readonly hasWithdrawn: boolean
  /** The number of keys in the feed, for the feeds of mailboxes. */
  readonly keysInMailbox: number
  /** Why the relay does not take the roster in this offer. Undefined for one that it took, and for every other offer. */
  readonly rosterRefusal: Refusal | undefined
  readonly now: number
}

export interface Refusal {
  readonly code: ErrorCode
  /** For STALE_EPOCH and WAIT, the agreement version that the device should use; else 0. */
  readonly version: number
  readonly detail: string
}

/** One entry of the table. */
export interface OfferRule {
  readonly name: string
  readonly refuses: (offered: OfferCase) => Refusal | undefined
}

/** The rules for offers, in order; the first one that refuses gives the answer. Each name cites the rules of SPEC.md that it keeps. */
export const offerRules: readonly OfferRule[] = [
  {
    name: '[F4] only the owning org writes a feed',
    refuses: ({ access }) => (access.writes ? undefined : no('WRITER', 'Only the other org writes this feed.')),
  },
  {
    name: '[MB5, MB7] the feeds of a mailbox end with it, hold messages only, and few',
    refuses: ({ access, offer, last, keysInMailbox, now }) => {
      if (access.mailboxUntil === undefined) return undefined
      if (access.mailboxUntil <= now) return no('FEED', 'Your org has no such feed.')
      if (offer.kind !== 'message') return no('TYPE', 'A mailbox holds messages only.')
      return !last && keysInMailbox >= mailboxKeys ? no('SIZE', `A mailbox’s feed holds at most ${mailboxKeys} keys.`) : undefined
    },
  },
  { name: '[PB2] each topic has its kinds', refuses: kindRule },
  {
    name: '[HD1] the key of heads holds heads, and no other key does',
    refuses: ({ offer }) =>
      (offer.kind === 'head') === (offer.key === headKey)
        ? undefined
        : no('FIELD', `A head stands under the key ${headKey}, and nothing else does.`),
  },
  {
    name: '[PO1, PO3, PO5, PO6, PO9, RO5] a control entry is a policy in a connection’s messages, or a roster',
    refuses: controlEntryRule,
  },
  {
    name: '[PB1] an offer names the key’s last entry',
    refuses: ({ offer, last, isOvertaken }) =>
      isOvertaken || offer.seen !== (last?.sequence ?? 0)
        ? no('BEHIND', 'The key has another last entry; absorb that one and offer again.')
        : undefined,
  },
  {
    name: '[HD1] a head comes after everything else in its feed',
    refuses: ({ offer, isFeedPending }) =>
      offer.kind === 'head' && isFeedPending ? no('BEHIND', 'The feed has another last entry; absorb that one and sign again.') : undefined,
  },
  {
    name: '[PO5, HD1] a connection that has ended takes no docs, and no heads of docs',
    refuses: ({ offer, access, policies }) =>
      offer.kind !== 'erased' && isAgreed(access) && policies?.isEnded ? no('FEED', 'This connection has ended.') : undefined,
  },
  { name: '[PO3] docs of a connection are of the version that both orgs have registered', refuses: versionRule },
  {
    name: '[EP1, HD1] a whole doc and an erasure begin a later epoch, an update continues the present one, a head has none',
    refuses: epochRule,
  },
  {
    name: '[PO10] a doc that has a withdrawn slot is begun anew before anything in it changes',
    refuses: ({ offer, hasWithdrawn }) =>
      hasWithdrawn && offer.kind === 'doc' && !offer.whole
        ? no('FIELD', 'The doc has a slot that was withdrawn. Begin it anew without that slot.')
        : undefined,
  },
  { name: '[QU1, QU2] an org keeps within its quota', refuses: quotaRule },
]

/** Judges an offer. @returns the write, with the bytes re-encoded, or the refusal */
export function judgeOffer(offered: OfferCase): Write | Refusal {
  for (const rule of offerRules) {
    const refusal = rule.refuses(offered)
    if (refusal) return refusal
  }
  const { offer, access, org, policies } = offered
  const isDoc = offer.kind === 'doc'
  const admitted = isDoc ? admit(offered) : undefined
  if (admitted && 'code' in admitted) return admitted
  const head = offer.kind === 'head' ? attempt(() => decodeHead(offer.bytes)) : undefined
  if (head instanceof ProtocolError) return no(head.code, head.message)
  const isJudgedByPolicies = isAgreed(access) ? offer.kind !== 'erased' : isPolicy(offer)
  return {
    feed: access.name,
    key: offer.key,
    owner: org,
    seen: offer.seen,
    follows: head?.sequence,
    given: policies && isJudgedByPolicies ? policies.given : nothing,
    connects: connectsBy(offered),
    kind: offer.kind,
    whole: offer.whole || !isDoc,
    epoch: offer.epoch,
    bytes: admitted?.bytes ?? offer.bytes,
    vector: admitted?.vector ?? emptyVector,
  }
}

export function isRefusal(verdict: Write | Refusal): verdict is Refusal {
  return 'code' in verdict
}

/** Whether an accepted write registers a policy. */
export function isPolicy(write: { readonly kind: string; readonly key: Key }): boolean {
  return write.kind === 'control' && write.key === policyKey
}

const nothing: readonly never[] = []

function kindRule({ access, offer }: OfferCase): Refusal | undefined {
  const { feed } = access
  if (feed.kind === 'mailbox') return undefined
  const isMessages = feed.topic === messagesTopic
  const fits = offer.kind === 'erased' || offer.kind === 'head' || (offer.kind === 'doc' ? !isMessages : isMessages)
  return fits ? undefined : no('TYPE', `A feed of the topic ${feed.topic} takes no entry of the kind ${offer.kind}.`)
}

function controlEntryRule(offered: OfferCase): Refusal | undefined {
  const { access, offer, policies, rosterRefusal } = offered
  if (access.feed.kind === 'mailbox' || access.feed.topic !== messagesTopic) return undefined
  const isPolicy = offer.key === policyKey && access.feed.kind === 'connection'
  const number = attempt(() => rosterNumber(offer.key))
  if (number instanceof ProtocolError) return no(number.code, number.message)
  if (offer.kind !== 'control') {
    return isPolicy || number !== undefined ? no('FIELD', 'This key holds a control entry; only a control entry replaces it.') : undefined
  }
  if (number !== undefined) return rosterRefusal
  if (offer.bytes.length > policyBytes) return no('SIZE', `A policy has at most ${policyBytes} bytes.`)
  if (!isPolicy || access.feed.kind !== 'connection') return no('FIELD', 'This feed takes no control entry under this key.')
  const policy = attempt(() => decodePolicy(decodeControlEntry(offer.bytes).copy))
  if (policy instanceof ProtocolError) return no(policy.code, policy.message)
  const before = policies?.[access.feed.side]
  if (!policy || !before) return undefined
  if (policy.version < before.version) return no('STALE_EPOCH', 'A later agreement version has been registered.', before.version)
  if (takesBack(before, policy)) return no('FIELD', 'Your org has withdrawn a slot that this policy does not name as withdrawn any more.')
  return before.ended && !policy.ended ? no('FEED', 'Your org has ended this connection, for good.') : undefined
}

function versionRule({ offer, access, policies }: OfferCase): Refusal | undefined {
  if (!isAgreed(access) || !policies) return undefined
  if (offer.kind !== 'doc') return undefined
  const { joined } = policies
  const version = joined?.version ?? highestVersion(policies)
  if (offer.epoch.version < version) return no('STALE_EPOCH', 'This agreement version has been replaced.', version)
  if (!joined || offer.epoch.version > version)
    return no('WAIT', 'Not both orgs have registered this agreement version yet; wait.', joined?.version ?? 0)
  return undefined
}

function epochRule({ offer, access, last, policies }: OfferCase): Refusal | undefined {
  if (offer.kind === 'head') return compareEpochs(offer.epoch, zeroEpoch) === 0 ? undefined : no('STALE_EPOCH', 'A head has the epoch 0.0.')
  if (holdsMessages(access.feed)) return undefined
  const fits =
    offer.whole || offer.kind === 'erased'
      ? last === undefined || compareEpochs(offer.epoch, last.epoch) > 0
      : last?.kind === 'doc' && compareEpochs(offer.epoch, last.epoch) === 0
  return fits
    ? undefined
    : no('STALE_EPOCH', 'The key has another epoch.', policies ? (policies.joined?.version ?? highestVersion(policies)) : 0)
}

/** Writes that reduce usage always pass: erasures, smaller docs. Heads, and control entries, which make the relay refuse more, have spare room of their own. */
function quotaRule(offered: OfferCase): Refusal | undefined {
  const { offer, last, quota, usage } = offered
  if (quota.bytes === 0 && quota.docs === 0 && quota.connections === 0) return undefined
  if (offer.kind === 'erased' && last) return undefined
  const detail = overQuota(offer.kind, growthOf(offer, connectsBy(offered), last), quota, usage)
  return detail === undefined ? undefined : no('QUOTA', detail)
}

/** The change that a policy makes to its org's number of connections. A connection counts from the org's first policy to the one that ends it. */
function connectsBy({ offer, access, policies }: OfferCase): Write['connects'] {
  if (!isPolicy(offer) || access.feed.kind !== 'connection') return 0
  const policy = attempt(() => decodePolicy(decodeControlEntry(offer.bytes).copy))
  const [is, was] = [policy instanceof ProtocolError ? undefined : policy, policies?.[access.feed.side]].map(countsFor)
  return is === was ? 0 : is ? 1 : -1
}

function countsFor(policy: Policy | undefined): boolean {
  return policy !== undefined && !policy.ended
}

/** Rules AD1 to AD10, by induction from the doc's state vector, without loading the doc. */
function admit({ offer, access, last, policies }: OfferCase): { readonly bytes: Uint8Array; readonly vector: StateVector } | Refusal {
  const known = offer.whole || !last ? emptyVector : last.vector
  const slots = agreedSlots(access, policies)
  const admitted = attempt(() => admitUpdate(offer.bytes, known, slots))
  if (admitted instanceof ProtocolError) return no(admitted.code, admitted.message)
  return admitted ?? no('FRAME', 'The update could not be read.')
}

const noSlots: ReadonlySet<string> = new Set()

/** The slots that the policy allows in a connection's feed; undefined in a team's, where any slot is allowed. */
function agreedSlots({ feed }: Access, policies: Policies | undefined): ReadonlySet<string> | undefined {
  if (feed.kind === 'team') return undefined
  return (feed.kind === 'connection' && policies?.slots?.get(feed.topic)) || noSlots
}

/** Whether a feed's docs hold agreed slots, rather than a team's own rows. */
function isAgreed(access: Access): boolean {
  return connectionOfDocs(access.feed) !== undefined
}

/** @returns the value, the ProtocolError that was thrown, or undefined for any other error */
function attempt<T>(work: () => T): T | ProtocolError | undefined {
  try {
    return work()
  } catch (error) {
    return error instanceof ProtocolError ? error : undefined
  }
}

function no(code: ErrorCode, detail: string, version = 0): Refusal {
  return { code, version, detail }
}
