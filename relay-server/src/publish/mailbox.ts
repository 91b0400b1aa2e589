import { createHash, timingSafeEqual } from 'node:crypto'
import {
  type MessageOf,
  type ErrorCode,
  type FeedName,
  limits,
  mailboxFeedsOf,
  mailboxIdOf,
  type OrgId,
  parseMailboxId,
  type RelayMessage,
} from '@entente/protocol'
import { LruMap } from '../flow/lru.js'
import type { Invitation, Store } from '../store/store.js'

/** Ids that are not open mailboxes, whose wrong tries the relay counts as well. */
const keptStrangers = 10_000
/** Invitations that one org may have at a time, ended ones included until they are forgotten (rule MB6). */
const mostInvitations = 1_000
/** Mailboxes that one session may follow. */
const followedPerSession = 64

/** The session that asks about mailboxes, and follows them. */
export interface Caller {
  readonly org: OrgId
  /** Whether the session has ended, so that nothing must be kept for it. */
  readonly hasEnded: boolean
  send(message: RelayMessage): void
}

type Verdict = { readonly state: MessageOf<'mailbox'>['state']; readonly wrongTries: number; readonly row?: Invitation }

/**
 * The invitations at the relay (rules MB1 to MB6, MB8, MB9): an id, the hash of a claim, and the two orgs. A wrong claim gets the same answer whether the mailbox exists or
 * not; the fifth makes the invitation void.
 */
export class Mailboxes {
  readonly #store: Store
  readonly #followers = new Map<string, { readonly callers: Set<Caller>; sentState: string | undefined }>()
  readonly #followedBy = new WeakMap<Caller, Set<string>>()
  readonly #strangers = new LruMap<string, number>(keptStrangers)

  constructor(store: Store) {
    this.#store = store
  }

  async invite(caller: Caller, message: MessageOf<'invite'>, now: number): Promise<void> {
    const { mailbox, claimHash } = message
    if (claimHash.length !== 32 || mailboxIdOf(claimHash) !== mailbox)
      return refuse(caller, 'VOID', 'This id is not the one of an invitation with this claim; make a new invitation.')
    const expires = Math.min(message.expires, now + limits.invitationMs)
    const invitation = { mailbox, vendor: caller.org, partner: undefined, claimHash, expires, wrongTries: 0, isVoid: false }
    const kept = await this.#store.addInvitation(invitation, mostInvitations)
    if (!kept) {
      const detail = `Your org has reached its ${mostInvitations} invitations at this relay; each frees its place some days after its end.`
      return refuse(caller, 'QUOTA', detail)
    }
    if (kept.vendor !== caller.org) return refuse(caller, 'VOID', 'This mailbox belongs to another org; make a new invitation.')
    this.#follow(mailbox, caller, stateOf(kept, now))
    caller.send(toMessage(kept, stateOf(kept, now)))
  }

  async claim(caller: Caller, message: MessageOf<'claim'>, now: number): Promise<void> {
    const hash = createHash('sha256').update(message.claim).digest()
    let judged: Verdict | undefined
    await this.#store.changeInvitation(message.mailbox, (present) => {
      judged = judgeClaim(present, hash, caller.org, now)
      return judged?.row
    })
    // Counted out here, because the store may call `change` more than once.
    const verdict = judged ?? this.#countStranger(message.mailbox)
    const answer: MessageOf<'mailbox'> = {
      type: 'mailbox',
      mailbox: message.mailbox,
      state: verdict.state,
      triesLeft: limits.invitationTries - verdict.wrongTries,
    }
    if (verdict.state === 'claimed') this.#follow(message.mailbox, caller, undefined)
    caller.send(answer)
    if (verdict.state === 'taken') refuse(caller, 'CLAIMED', 'Another org holds this invitation; ask for a new one.')
    if (verdict.row && verdict.state !== 'wrong') this.#notifyFollowers(message.mailbox, answer, caller)
  }

  /** Mailboxes that a session here follows. */
  followed(): Iterable<string> {
    return this.#followers.keys()
  }

  /** Reads a mailbox that another relay on the same store may have changed, and informs its followers. */
  async changed(mailbox: string, now: number): Promise<void> {
    const row = this.#followers.has(mailbox) ? await this.#store.invitation(mailbox) : undefined
    if (row) this.#notifyFollowers(mailbox, toMessage(row, stateOf(row, now)))
  }

  /** Clears ended invitations: their feeds at once, the invitation itself a while later. */
  async sweep(now: number): Promise<number> {
    const ended = await this.#store.endedInvitations(now)
    const feeds: readonly FeedName[] = ended.flatMap((mailbox) => mailboxFeedsOf(parseMailboxId(mailbox)))
    if (feeds.length > 0) await this.#store.dropFeeds(feeds)
    await this.#store.forgetInvitations(now - limits.invitationMs)
    return ended.length
  }

  leave(caller: Caller): void {
    for (const mailbox of this.#followedBy.get(caller) ?? []) {
      const followers = this.#followers.get(mailbox)
      followers?.callers.delete(caller)
      if (followers?.callers.size === 0) this.#followers.delete(mailbox)
    }
  }

  /** @param sentState the state in the answer to the caller, if followers count as informed of it */
  #follow(mailbox: string, caller: Caller, sentState: string | undefined): void {
    if (caller.hasEnded) return
    const followed = this.#followedBy.get(caller) ?? new Set()
    if (followed.size >= followedPerSession) return
    this.#followedBy.set(caller, followed.add(mailbox))
    const followers = this.#followers.get(mailbox)
    if (followers) followers.callers.add(caller)
    else this.#followers.set(mailbox, { callers: new Set([caller]), sentState })
  }

  #notifyFollowers(mailbox: string, answer: MessageOf<'mailbox'>, except?: Caller): void {
    const followers = this.#followers.get(mailbox)
    if (!followers || followers.sentState === answer.state) return
    followers.sentState = answer.state
    for (const caller of followers.callers) if (caller !== except) caller.send(answer)
  }

  /** Counts wrong tries as an open mailbox would, so that nobody learns which ids exist. */
  #countStranger(mailbox: string): Verdict {
    const tries = Math.min((this.#strangers.get(mailbox) ?? 0) + 1, limits.invitationTries)
    this.#strangers.set(mailbox, tries)
    return { state: tries >= limits.invitationTries ? 'void' : 'wrong', wrongTries: tries }
  }
}

function refuse(caller: Caller, code: ErrorCode, detail: string): void {
  caller.send({ type: 'refused', what: 'mailbox', subject: 0, code, version: 0, retryMs: 0, detail })
}

/** @returns undefined when the claim must be treated like one of an unknown mailbox */
function judgeClaim(present: Invitation | undefined, hash: Uint8Array, org: OrgId, now: number): Verdict | undefined {
  // The comparison always runs, so that its time reveals nothing.
  const isRight = timingSafeEqual(present?.claimHash ?? new Uint8Array(hash.length), hash) && present !== undefined
  if (!present) return undefined
  if (isRight) {
    if (present.isVoid) return { state: 'void', wrongTries: present.wrongTries }
    if (present.expires <= now) return { state: 'expired', wrongTries: present.wrongTries }
    if (org === present.vendor || (present.partner && present.partner !== org)) return { state: 'taken', wrongTries: present.wrongTries }
    return { state: 'claimed', wrongTries: present.wrongTries, row: { ...present, partner: org } }
  }
  if (present.isVoid) return { state: 'void', wrongTries: limits.invitationTries }
  if (present.partner || present.expires <= now) return undefined
  const wrongTries = present.wrongTries + 1
  const isVoid = wrongTries >= limits.invitationTries
  return { state: isVoid ? 'void' : 'wrong', wrongTries, row: { ...present, wrongTries, isVoid } }
}

function stateOf(invitation: Invitation, now: number): MessageOf<'mailbox'>['state'] {
  if (invitation.isVoid) return 'void'
  if (invitation.expires <= now) return 'expired'
  return invitation.partner ? 'claimed' : 'open'
}

function toMessage(invitation: Invitation, state: MessageOf<'mailbox'>['state']): MessageOf<'mailbox'> {
  return {
    type: 'mailbox',
    mailbox: parseMailboxId(invitation.mailbox),
    state,
    triesLeft: limits.invitationTries - invitation.wrongTries,
  }
}
