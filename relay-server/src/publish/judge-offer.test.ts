import {
  type Feed,
  feedName,
  joinPolicies,
  limits,
  type Offer,
  parseConnectionId,
  parseMailboxId,
  parseOrgId,
  type Policy,
} from '@entente/protocol'
import { describe, expect, it } from 'vitest'
import type { Access } from '../auth/feed-access.js'
import { noUsage } from '../store/account.js'
import type { KeyState } from '../store/store.js'
import { controlBytes, controlEntryOf, docOffer, headOffer, offerOf } from '../testing/index.js'
import { isRefusal, judgeOffer, mailboxKeys, type OfferCase, offerRules, type Refusal } from './judge-offer.js'
import type { Policies } from './policy-cache.js'

const now = 1_000_000
const org = parseOrgId('a'.repeat(43))
const connection = parseConnectionId('A'.repeat(22))
const value = new Uint8Array([1])

/** An offer that breaks one rule, and one like it that keeps all of them. */
interface Pair {
  readonly rule: string
  readonly what: string
  readonly code: Refusal['code']
  readonly refused: OfferCase
  readonly taken: OfferCase
}

const docs: Feed = { kind: 'connection', connection, side: 'vendor', topic: 'opportunity' }
const messages: Feed = { kind: 'connection', connection, side: 'vendor', topic: 'messages' }
const team: Feed = { kind: 'team', org, topic: 'messages' }

const agreed = policiesOf(policy(1), policy(1))
const withdrawn: Policy = { ...policy(1, ['0', '1']), withdrawn: { opportunity: ['0'] } }
const ended = policiesOf(policy(1), { ...policy(1), ended: true })
const doc = caseOf(docs, docOffer('r1', value), { policies: agreed })
const erasure = caseOf(docs, erasureOf('r1', 1), { last: keyState('doc', 1), policies: agreed })
const message = caseOf(messages, offerOf('hello', 'message'), { policies: agreed })
const inMailbox = caseOf({ kind: 'mailbox', mailbox: parseMailboxId('m'.repeat(22)), side: 'vendor' }, offerOf('hello', 'message'))
const mailbox: OfferCase = { ...inMailbox, access: { ...inMailbox.access, mailboxUntil: now + 1 } }
const head = caseOf(docs, headOffer(8, 7), { last: keyState('head', 0), policies: agreed })
const firstHead = caseOf(team, headOffer(0))
const headOfMessages = { ...head, access: message.access }
const roster = caseOf(team, offerOf('roster.2', 'control'))
const update: Omit<Offer, 'id'> = { ...docOffer('r1', value), whole: false }

const pairs: readonly Pair[] = [
  {
    rule: 'F4',
    what: 'a write to the peer’s feed',
    code: 'WRITER',
    refused: { ...doc, access: { ...doc.access, writes: false } },
    taken: doc,
  },
  {
    rule: 'MB5',
    what: 'a message in a mailbox whose time is over',
    code: 'FEED',
    refused: { ...mailbox, access: { ...mailbox.access, mailboxUntil: now } },
    taken: mailbox,
  },
  {
    rule: 'MB7',
    what: 'a policy in a mailbox',
    code: 'TYPE',
    refused: { ...mailbox, offer: policyOffer(policy(1)) },
    taken: mailbox,
  },
  {
    rule: 'MB7',
    what: 'an erasure in a mailbox',
    code: 'TYPE',
    refused: { ...mailbox, offer: numbered(erasureOf('hello', 0)) },
    taken: { ...mailbox, keysInMailbox: mailboxKeys - 1 },
  },
  {
    rule: 'MB7',
    what: 'a seventeenth key in a mailbox',
    code: 'SIZE',
    refused: { ...mailbox, keysInMailbox: 16 },
    taken: { ...mailbox, keysInMailbox: 16, last: keyState('message', 0), offer: { ...mailbox.offer, seen: 7 } },
  },
  { rule: 'PB2', what: 'a doc among messages', code: 'TYPE', refused: { ...message, offer: doc.offer }, taken: message },
  { rule: 'PB2', what: 'a message among docs', code: 'TYPE', refused: { ...doc, offer: message.offer }, taken: doc },
  {
    rule: 'MB7',
    what: 'a head in a mailbox',
    code: 'TYPE',
    refused: { ...mailbox, offer: numbered(headOffer(0)) },
    taken: headOfMessages,
  },
  {
    rule: 'HD1',
    what: 'a head under another key',
    code: 'FIELD',
    refused: { ...head, offer: { ...head.offer, key: message.offer.key } },
    taken: head,
  },
  {
    rule: 'HD1',
    what: 'a message under the key of heads',
    code: 'FIELD',
    refused: { ...message, offer: numbered(offerOf('head', 'message')) },
    taken: headOfMessages,
  },
  {
    rule: 'HD1',
    what: 'a doc under the key of heads',
    code: 'FIELD',
    refused: { ...doc, offer: numbered(docOffer('head', value)) },
    taken: head,
  },
  {
    rule: 'HD1',
    what: 'an erasure of a head',
    code: 'FIELD',
    refused: { ...head, offer: numbered(erasureOf('head', 1)) },
    taken: head,
  },
  {
    rule: 'PO1',
    what: 'a message under the key of the policy',
    code: 'FIELD',
    refused: { ...message, offer: numbered(offerOf('policy', 'message')) },
    taken: withPolicy(policy(1)),
  },
  {
    rule: 'PO1',
    what: 'a control entry under another key',
    code: 'FIELD',
    refused: { ...message, offer: numbered(offerOf('anything', 'control')) },
    taken: message,
  },
  {
    rule: 'PO1',
    what: 'a policy in a team’s messages',
    code: 'FIELD',
    refused: { ...roster, offer: policyOffer(policy(1)) },
    taken: roster,
  },
  {
    rule: 'PO1',
    what: 'a policy in a team’s messages',
    code: 'FIELD',
    refused: { ...roster, offer: policyOffer(policy(1)) },
    taken: roster,
  },
  {
    rule: 'RO5',
    what: 'a roster of no number',
    code: 'FIELD',
    refused: { ...roster, offer: numbered(offerOf('roster.02', 'control')) },
    taken: roster,
  },
  {
    rule: 'PO1',
    what: 'an eleventh slot',
    code: 'FIELD',
    refused: withPolicy(policy(1, ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '0'])),
    taken: withPolicy(policy(1, ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])),
  },
  {
    rule: 'PO3',
    what: 'a policy of an earlier version',
    code: 'STALE_EPOCH',
    refused: withPolicy(policy(1), policiesOf(policy(2))),
    taken: withPolicy(policy(2), policiesOf(policy(2))),
  },
  {
    rule: 'PO5',
    what: 'a policy that takes the end of its connection back',
    code: 'FEED',
    refused: withPolicy(policy(2), policiesOf({ ...policy(1), ended: true })),
    taken: withPolicy({ ...policy(2), ended: true }, policiesOf({ ...policy(1), ended: true })),
  },
  {
    rule: 'PO9',
    what: 'a policy that takes a withdrawal of its version back',
    code: 'FIELD',
    refused: withPolicy(policy(1), policiesOf(withdrawn)),
    taken: withPolicy(withdrawn, policiesOf(withdrawn)),
  },
  {
    rule: 'PO6',
    what: 'a policy of more than 4 KiB',
    code: 'SIZE',
    refused: padded(4 * 1024 + 1),
    taken: padded(4 * 1024),
  },
  {
    rule: 'RO5',
    what: 'a roster that does not follow the one before it',
    code: 'AUTH',
    refused: { ...roster, rosterRefusal: { code: 'AUTH', version: 0, detail: '' } },
    taken: roster,
  },
  {
    rule: 'PB1',
    what: 'an offer that has seen what is not there',
    code: 'BEHIND',
    refused: { ...message, offer: { ...message.offer, seen: 7 } },
    taken: { ...message, offer: { ...message.offer, seen: 7 }, last: keyState('message', 0) },
  },
  {
    rule: 'PB1',
    what: 'an offer that has not seen the key’s last entry',
    code: 'BEHIND',
    refused: { ...message, offer: { ...message.offer, seen: 6 }, last: keyState('message', 0) },
    taken: { ...message, offer: { ...message.offer, seen: 7 }, last: keyState('message', 0) },
  },
  {
    rule: 'PB1',
    what: 'an offer for a key that has another on its way',
    code: 'BEHIND',
    refused: { ...message, isOvertaken: true },
    taken: message,
  },
  {
    rule: 'HD1',
    what: 'a head while another entry of its feed is on its way',
    code: 'BEHIND',
    refused: { ...head, isFeedPending: true },
    taken: head,
  },
  {
    rule: 'HD1',
    what: 'a head of docs in a connection that has ended',
    code: 'FEED',
    refused: { ...head, policies: ended },
    taken: { ...headOfMessages, policies: ended },
  },
  {
    rule: 'PO5',
    what: 'a doc in a connection that has ended',
    code: 'FEED',
    refused: { ...doc, policies: ended },
    taken: { ...erasure, policies: ended },
  },
  {
    rule: 'PO3',
    what: 'a doc of an earlier version',
    code: 'STALE_EPOCH',
    refused: { ...doc, policies: policiesOf(policy(2), policy(2)) },
    taken: caseOf(docs, docOffer('r1', value, 2), { policies: policiesOf(policy(2), policy(2)) }),
  },
  {
    rule: 'PO3',
    what: 'a doc of a version that one org has registered',
    code: 'WAIT',
    refused: caseOf(docs, docOffer('r1', value, 2), { policies: policiesOf(policy(2), policy(1)) }),
    taken: { ...erasure, policies: policiesOf(policy(2), policy(1)) },
  },
  {
    rule: 'PO3',
    what: 'a doc of a version that nobody has registered',
    code: 'WAIT',
    refused: caseOf(docs, docOffer('r1', value, 2), { policies: agreed }),
    taken: doc,
  },
  {
    rule: 'EP1',
    what: 'an erasure of an earlier version than its doc’s',
    code: 'STALE_EPOCH',
    refused: caseOf(docs, erasureOf('r1', 0), { last: keyState('doc', 1), policies: agreed }),
    taken: erasure,
  },
  {
    rule: 'EP1',
    what: 'an erasure under its doc’s epoch',
    code: 'STALE_EPOCH',
    refused: caseOf(docs, erasureOf('r1', 1, 0), { last: keyState('doc', 1), policies: agreed }),
    taken: erasure,
  },
  {
    rule: 'EP1',
    what: 'a whole doc under the key’s epoch',
    code: 'STALE_EPOCH',
    refused: caseOf(docs, { ...docOffer('r1', value), seen: 7 }, { last: keyState('doc', 1), policies: agreed }),
    taken: caseOf(docs, { ...docOffer('r1', value, 1, '0', 1), seen: 7 }, { last: keyState('doc', 1), policies: agreed }),
  },
  {
    rule: 'HD1',
    what: 'a head with an epoch',
    code: 'STALE_EPOCH',
    refused: { ...head, offer: { ...head.offer, epoch: { version: 1, number: 1 } } },
    taken: { ...head, policies: policiesOf(policy(2), policy(1)) },
  },
  {
    rule: 'EP1',
    what: 'an update of a doc that was erased',
    code: 'STALE_EPOCH',
    refused: caseOf(docs, { ...update, seen: 7 }, { last: keyState('erased', 1), policies: agreed }),
    taken: caseOf(docs, { ...update, seen: 7 }, { last: keyState('doc', 1), policies: agreed }),
  },
  {
    rule: 'PO10',
    what: 'an update of a doc that still has a withdrawn slot',
    code: 'FIELD',
    refused: { ...caseOf(docs, { ...update, seen: 7 }, { last: keyState('doc', 1), policies: agreed }), hasWithdrawn: true },
    taken: caseOf(docs, { ...update, seen: 7 }, { last: keyState('doc', 1), policies: agreed }),
  },
  {
    rule: 'QU1',
    what: 'more bytes than the org may take up',
    code: 'QUOTA',
    refused: withQuota(message, { bytes: 10 }, { bytes: 10 }),
    taken: withQuota(message, { bytes: 10 }, { bytes: 9 }),
  },
  {
    rule: 'QU1',
    what: 'more keys than the org may take up',
    code: 'QUOTA',
    refused: withQuota(message, { docs: 3 }, { docs: 3 }),
    taken: withQuota(erasure, { docs: 3 }, { docs: 3 }),
  },
  {
    rule: 'QU1',
    what: 'more connections than the org may have',
    code: 'QUOTA',
    refused: withQuota(withPolicy(policy(1), policiesOf()), { connections: 1 }, { connections: 1 }),
    taken: withQuota(withPolicy(policy(2), policiesOf(policy(1))), { connections: 1 }, { connections: 1 }),
  },
  {
    rule: 'QU2',
    what: 'more control entries than there is spare room for',
    code: 'QUOTA',
    refused: withQuota(roster, { docs: 3 }, { docs: 203 }),
    taken: withQuota(roster, { docs: 3 }, { docs: 202 }),
  },
  {
    rule: 'QU2',
    what: 'more bytes of control entries than there is spare room for',
    code: 'QUOTA',
    refused: withQuota(roster, { bytes: 10 }, { bytes: 10 + 128 * 1024 }),
    taken: withQuota(roster, { bytes: 10 }, { bytes: 9 + 128 * 1024 }),
  },
  {
    rule: 'QU2',
    what: 'more heads than there is spare room for',
    code: 'QUOTA',
    refused: withQuota(firstHead, { docs: 3 }, { docs: 103 }),
    taken: withQuota(firstHead, { docs: 3 }, { docs: 102 }),
  },
  {
    rule: 'QU2',
    what: 'more bytes of heads than there is spare room for',
    code: 'QUOTA',
    refused: withQuota(firstHead, { bytes: 10 }, { bytes: 10 + 64 * 1024 }),
    taken: withQuota({ ...head, last: { ...keyState('head', 0), bytes: 100 } }, { bytes: 10 }, { bytes: 10 + 64 * 1024 }),
  },
]

describe('the table by which an offer is judged', () => {
  // An entry that no pair breaks, or that answers for a rule its name does not cite, fails here.
  it.each(offerRules)('$name', (entry) => {
    const own = pairs.filter(({ refused }) => offerRules.find(({ refuses }) => refuses(refused)) === entry)
    expect(own).not.toEqual([])
    expect([...new Set(own.map(({ rule }) => rule))].toSorted()).toEqual(citedBy(entry.name).toSorted())
    for (const { what, code, refused, taken } of own) {
      expect(entry.refuses(refused), what).toMatchObject({ code })
      expect(judgeOffer(refused), what).toMatchObject({ code })
      const verdict = judgeOffer(taken)
      expect(isRefusal(verdict) ? verdict : 'taken', `the like of ${what}`).toBe('taken')
    }
  })

  it('[PO9, AD5] lets no doc begin with a slot that either org has withdrawn', () => {
    for (const policies of [policiesOf(withdrawn, policy(1, ['0', '1'])), policiesOf(policy(1, ['0', '1']), withdrawn)]) {
      expect(judgeOffer({ ...doc, policies })).toMatchObject({ code: 'FIELD' })
      expect(isRefusal(judgeOffer(caseOf(docs, docOffer('r1', value, 1, '1'), { policies })))).toBe(false)
    }
  })

  it('[HD1] has the store compare the sequence that a head names, and the policies by which a head of docs was judged', () => {
    const given = [{ feed: message.access.name, key: head.offer.key, sequence: 3 }]
    const policies = { ...agreed, given }
    expect(judgeOffer({ ...head, policies })).toMatchObject({ seen: 7, follows: 8, whole: true, given })
    expect(judgeOffer({ ...headOfMessages, policies })).toMatchObject({ seen: 7, follows: 8, given: [] })
    expect(judgeOffer({ ...message, policies })).toMatchObject({ follows: undefined, given: [] })
  })

  it.each([
    ['without a signature', 'FRAME', new Uint8Array([8])],
    ['without a byte', 'FRAME', new Uint8Array()],
    ['with a token above its bound', 'SIZE', headOffer(8, 0, `a.b.${'c'.repeat(limits.tokenBytes)}`).bytes],
  ] as const)('[HD1] takes no head %s', (_, code, bytes) => {
    expect(judgeOffer({ ...head, offer: { ...head.offer, bytes } })).toMatchObject({ code })
  })

  it('answers for every pair', () => {
    expect(pairs.filter(({ refused }) => !offerRules.some(({ refuses }) => refuses(refused))).map(({ what }) => what)).toEqual([])
  })
})

function citedBy(name: string): readonly string[] {
  return /^\[(.+?)\]/.exec(name)?.[1]?.split(', ') ?? []
}

/** An offer to one's own feed, with no quota and nothing under the key yet. */
function caseOf(feed: Feed, offer: Omit<Offer, 'id'>, more: Partial<OfferCase> = {}): OfferCase {
  const access: Access = { name: feedName(feed), feed, writes: true, mailboxUntil: undefined }
  const quota = { bytes: 0, docs: 0, connections: 0 }
  const rest = {
    quota,
    usage: noUsage,
    last: undefined,
    isOvertaken: false,
    isFeedPending: false,
    policies: undefined,
    hasWithdrawn: false,
    keysInMailbox: 0,
    rosterRefusal: undefined,
    now,
  }
  return { offer: numbered(offer), access, org, ...rest, ...more }
}

function withPolicy(offered: Policy, policies = agreed): OfferCase {
  return { ...message, offer: policyOffer(offered), policies }
}

function withQuota(offered: OfferCase, quota: Partial<OfferCase['quota']>, usage: Partial<OfferCase['usage']>): OfferCase {
  return { ...offered, quota: { ...offered.quota, ...quota }, usage: { ...noUsage, ...usage } }
}

/** A policy that takes up so many bytes, with the length of its copy (2) and its seal (73). */
function padded(bytes: number): OfferCase {
  const copy = JSON.stringify(policy(1)).padEnd(bytes - 75)
  return { ...message, offer: { ...policyOffer(policy(1)), bytes: controlBytes(copy) } }
}

function policyOffer(offered: Policy): Offer {
  return numbered(offerOf('policy', 'control', controlEntryOf(offered)))
}

function erasureOf(key: string, version: number, number = 1): Omit<Offer, 'id'> {
  return { ...offerOf(key, 'erased'), epoch: { version, number }, seen: 7 }
}

function numbered(offer: Omit<Offer, 'id'>): Offer {
  return { id: 1, ...offer }
}

/** The key's last entry, of sequence 7. */
function keyState(kind: KeyState['kind'], version: number): KeyState {
  return { sequence: 7, kind, epoch: { version, number: 0 }, vector: new Map(), bytes: 1 }
}

function policy(version: number, slots: string[] = ['0']): Policy {
  return { version, slots: { lead: [], opportunity: slots } }
}

function policiesOf(vendor?: Policy, partner?: Policy): Policies {
  const joined = joinPolicies(vendor, partner)
  const slots = joined && new Map(Object.entries(joined.slots).map(([topic, names]) => [topic, new Set(names)]))
  return { vendor, partner, joined, isEnded: Boolean(vendor?.ended ?? partner?.ended), slots, given: [] }
}
