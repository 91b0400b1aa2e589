import {
  admitUpdate,
  compareEpochs,
  decodePolicy,
  emptyVector,
  type Epoch,
  type ErrorCode,
  type Key,
  type ObjectTopic,
  type Offer,
  type OrgId,
  type Policy,
  policyKey,
  ProtocolError,
  type Role,
  revokedDevice,
  type StateVector,
} from '@entente/protocol'
import type { Access } from '../auth/feed-access.js'
import { highestVersion, type Policies } from './policy-cache.js'
import { noUsage, type Quota, type Usage } from '../store/account.js'
import { sizeOf } from '../store/size.js'
import type { KeyState, Write } from '../store/store.js'

/** Keys that one feed of a mailbox may hold. */
export const mailboxKeys = 16

/** A control entry is a few numbers, or a signed decision. */
const controlEntryBytes = 4 * 1024
/** How far control entries may go over what else an org may take up: revoking a device, or narrowing a policy, must not fail for want of room. */
const noticeSpare: Usage = { bytes: 64 * 1024, docs: 100, connections: 0 }

/** All that decides about one offer. Nothing here waits or reads: what is needed was brought before. */
export interface OfferCase {
  readonly offer: Offer
  readonly access: Access
  readonly org: OrgId
  readonly role: Role
  /** What the org may take up (0 is no bound) and takes up, what is on its way to the disk included. */
  readonly quota: Quota
  readonly usage: Usage
  /** The key's last entry. */
  readonly last: KeyState | undefined
  /** Whether another offer for the key is on its way to the disk; whoever made this one cannot have seen it. */
  readonly isOvertaken: boolean
  /** Of the feed's connection; undefined for team feeds. */
  readonly policies: Policies | undefined
  /** How many keys the feed holds, for the feeds of mailboxes. */
  readonly keysInMailbox: number
  readonly now: number
}

export interface Refusal {
  readonly code: ErrorCode
  /** The agreement version to go by, for STALE_EPOCH and WAIT, else 0. */
  readonly version: number
  readonly detail: string
}

interface Rule {
  readonly name: string
  readonly refuses: (offered: OfferCase) => Refusal | undefined
}

/** What an offer is held against, in this order; the first rule that refuses answers (PB = publishing, PO = policy, EP = epochs). */
const offerRules: readonly Rule[] = [
  {
    name: '[F2] only the owning org writes a feed',
    refuses: ({ access }) => (access.writes ? undefined : no('WRITER', 'This feed is written by the other org.')),
  },
  {
    name: '[F4] the feeds of a mailbox end with it, hold messages only, and few',
    refuses: ({ access, offer, last, keysInMailbox, now }) => {
      if (access.mailboxUntil === undefined) return undefined
      if (access.mailboxUntil <= now) return no('FEED', 'There is no such feed for you.')
      if (offer.kind !== 'message') return no('TYPE', 'A mailbox holds messages only.')
      return !last && keysInMailbox >= mailboxKeys ? no('SIZE', `A mailbox’s feed holds at most ${mailboxKeys} keys.`) : undefined
    },
  },
  { name: '[PB2] each topic has its kinds', refuses: kindRule },
  { name: '[PO1] a control entry is a policy in a connection’s messages, or a revocation in a team’s', refuses: controlEntryRule },
  {
    name: '[PB1] an offer names the key’s last entry',
    refuses: ({ offer, last, isOvertaken }) =>
      isOvertaken || offer.seen !== (last?.sequence ?? 0)
        ? no('BEHIND', 'The key has another last entry; take that in and offer again.')
        : undefined,
  },
  {
    name: '[PO5] a connection that has ended takes no docs',
    refuses: ({ offer, access, policies }) =>
      offer.kind === 'doc' && isAgreed(access) && policies?.isEnded ? no('FEED', 'This connection has ended.') : undefined,
  },
  { name: '[PO2] docs of a connection are of the version that both orgs have registered', refuses: versionRule },
  { name: '[EP1] a doc anew begins a later epoch, an update continues the present one', refuses: epochRule },
  { name: '[QU1] an org keeps within its quota', refuses: quotaRule },
]

/** Judges an offer. @returns what to write (bytes as re-encoded here), or the refusal */
export function judgeOffer(offered: OfferCase): Write | Refusal {
  for (const rule of offerRules) {
    const refusal = rule.refuses(offered)
    if (refusal) return refusal
  }
  const { offer, access, last, org, policies } = offered
  const isDoc = offer.kind === 'doc'
  const admitted = isDoc ? admit(offered) : undefined
  if (admitted && 'code' in admitted) return admitted
  return {
    feed: access.name,
    key: offer.key,
    owner: org,
    seen: offer.seen,
    given: policies && (isDoc || isPolicy(offer)) ? policies.given : nothing,
    connects: connectsBy(offered),
    kind: offer.kind,
    whole: offer.whole || !isDoc,
    epoch: offer.kind === 'erased' ? later(offer.epoch, last?.epoch) : offer.epoch,
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

/** What an accepted write adds to what its org takes up. */
export function growthOf(write: Pick<Offer, 'kind' | 'whole' | 'bytes'>, connects: Write['connects'], last: KeyState | undefined): Usage {
  const { kind, whole } = write
  const before = last === undefined || last.kind === 'erased' ? 0 : 1
  return {
    bytes: sizeOf(write) - (kind === 'doc' && !whole ? 0 : (last?.bytes ?? 0)),
    docs: (kind === 'erased' ? 0 : 1) - before,
    connections: connects,
  }
}

const nothing: readonly never[] = []

function kindRule({ access, offer }: OfferCase): Refusal | undefined {
  const isMessages = access.feed.topic === 'messages'
  const fits = offer.kind === 'erased' || (offer.kind === 'doc' ? !isMessages : isMessages)
  return fits ? undefined : no('TYPE', `A feed of ${access.feed.topic} takes no entry of the kind ${offer.kind}.`)
}

function controlEntryRule(offered: OfferCase): Refusal | undefined {
  const { access, offer, role, policies } = offered
  if (access.feed.topic !== 'messages') return undefined
  const isPolicy = offer.key === policyKey && access.feed.kind === 'connection'
  const isRevocation = offer.key.startsWith('revoked.') && access.feed.kind === 'team'
  if (offer.kind !== 'control') {
    return isPolicy || isRevocation ? no('FIELD', 'This key holds a control entry, which nothing but a control entry replaces.') : undefined
  }
  if (offer.bytes.length > controlEntryBytes) return no('SIZE', `A control entry has at most ${controlEntryBytes} bytes.`)
  if (isRevocation) {
    if (typeof attempt(() => revokedDevice(offer.key)) !== 'string') return no('FIELD', 'The key of a revocation names no device.')
    return role === 'admin' ? undefined : no('AUTH', 'Only an admin’s device revokes a device.')
  }
  if (!isPolicy || access.feed.kind !== 'connection') return no('FIELD', 'There is no control entry of this name in this feed.')
  const policy = attempt(() => decodePolicy(offer.bytes))
  if (policy instanceof ProtocolError) return no(policy.code, policy.message)
  const before = policies?.[access.feed.side]
  if (!policy || !before) return undefined
  if (policy.version < before.version) return no('STALE_EPOCH', 'A later agreement version has been registered.', before.version)
  return before.ended && !policy.ended ? no('FEED', 'Your org has ended this connection, for good.') : undefined
}

function versionRule({ offer, access, policies, last }: OfferCase): Refusal | undefined {
  if (!isAgreed(access) || !policies) return undefined
  if (offer.kind === 'erased') {
    const isOlder = last !== undefined && offer.epoch.version < last.epoch.version
    return isOlder
      ? no('STALE_EPOCH', 'The doc has a later version than this erasure.', policies.joined?.version ?? highestVersion(policies))
      : undefined
  }
  const { joined } = policies
  const version = joined?.version ?? highestVersion(policies)
  if (offer.epoch.version < version) return no('STALE_EPOCH', 'This agreement version has been replaced.', version)
  if (!joined || offer.epoch.version > version)
    return no('WAIT', 'Both orgs have not registered this agreement version yet.', joined?.version ?? 0)
  return undefined
}

function epochRule({ offer, last, policies }: OfferCase): Refusal | undefined {
  if (offer.kind !== 'doc') return undefined
  const fits = offer.whole
    ? last === undefined || compareEpochs(offer.epoch, last.epoch) > 0
    : last?.kind === 'doc' && compareEpochs(offer.epoch, last.epoch) === 0
  return fits ? undefined : no('STALE_EPOCH', 'The key’s epoch is another.', policies?.joined?.version ?? 0)
}

/** What makes an org take up less goes through in any case: erasures, smaller docs. What tells the relay to refuse more has some room of its own. */
function quotaRule(offered: OfferCase): Refusal | undefined {
  const { offer, last, quota, usage } = offered
  if (quota.bytes === 0 && quota.docs === 0 && quota.connections === 0) return undefined
  if (offer.kind === 'erased' && last) return undefined
  const growth = growthOf(offer, connectsBy(offered), last)
  const spare = offer.kind === 'control' ? noticeSpare : noUsage
  const isFull = (what: keyof Usage): boolean =>
    growth[what] > 0 && quota[what] > 0 && usage[what] + growth[what] > quota[what] + spare[what]
  if (isFull('connections')) return no('QUOTA', 'The org has as many connections at this relay as it may.')
  if (isFull('docs'))
    return no('QUOTA', 'The org keeps as many records and messages at this relay as it may; erase some, or ask its operator.')
  return isFull('bytes') ? no('QUOTA', 'The org’s space at this relay is used up; erase something, or ask its operator.') : undefined
}

/** By how many connections the policy of an offer changes its org's account: one counts from the org's first policy to the one that ends it. */
function connectsBy({ offer, access, policies }: OfferCase): Write['connects'] {
  if (!isPolicy(offer) || access.feed.kind !== 'connection') return 0
  const policy = attempt(() => decodePolicy(offer.bytes))
  const [is, was] = [policy instanceof ProtocolError ? undefined : policy, policies?.[access.feed.side]].map(countsFor)
  return is === was ? 0 : is ? 1 : -1
}

function countsFor(policy: Policy | undefined): boolean {
  return policy !== undefined && !policy.ended
}

/** Rules AD1 to AD9, by induction from the doc's state vector; no doc is loaded. */
function admit({ offer, access, last, policies }: OfferCase): { readonly bytes: Uint8Array; readonly vector: StateVector } | Refusal {
  const known = offer.whole || !last ? emptyVector : last.vector
  const slots = agreedSlots(access, policies)
  const admitted = attempt(() => admitUpdate(offer.bytes, known, slots))
  if (admitted instanceof ProtocolError) return no(admitted.code, admitted.message)
  return admitted ?? no('FRAME', 'An update could not be read.')
}

/** The slots that the policy allows in a connection's feed; undefined, for any, in a team's. */
function agreedSlots({ feed }: Access, policies: Policies | undefined): ReadonlySet<string> | undefined {
  if (feed.kind === 'team') return undefined
  const topic: ObjectTopic | undefined = feed.topic === 'messages' ? undefined : feed.topic
  return (topic && policies?.slots?.[topic]) ?? new Set()
}

/** Whether a feed's docs hold agreed slots, rather than a team's own rows. */
function isAgreed(access: Access): boolean {
  return access.feed.kind === 'connection' && access.feed.topic !== 'messages'
}

/** A tombstone keeps the highest epoch that its key had, so that a doc never comes back under one of them. */
function later(a: Epoch, b: Epoch | undefined): Epoch {
  return b && compareEpochs(b, a) > 0 ? b : a
}

/** @returns the value, or the ProtocolError, or undefined where something else was thrown */
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
