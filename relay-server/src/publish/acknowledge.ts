import type { Offer, OrgId, RelayMessage } from '@entente/protocol'
import type { Refusal } from './judge-offer.js'

/** Memory of a waiting offer beside its bytes, roughly, in bytes. */
const offerOverhead = 256
/** When a device may offer again while the store takes nothing, in ms. */
const unavailableRetryMs = 2_000

/** The session that made an offer and receives its answer. */
export interface Publisher {
  readonly org: OrgId
  send(message: RelayMessage): void
  /** Many at once, which costs less. */
  sendAll(messages: readonly RelayMessage[]): void
  /** Bytes, as `heldBytes` counts them, of offers that are no longer in the queue. */
  settled(bytes: number): void
  /** Offers were judged and refused. */
  refused(offers: number): void
  /** After how many ms more of its offers may be judged; 0 where they may at once. */
  readonly overdrawnMs: number
}

/** Memory of a waiting offer, in bytes. An erasure has no bytes of its own, but many of them take room too. */
export function heldBytes({ bytes }: Offer): number {
  return bytes.length + offerOverhead
}

export const unavailable: Refusal = { code: 'UNAVAILABLE', version: 0, detail: 'The relay cannot store at the moment; offer again later.' }
export const tooMany: Refusal = { code: 'RATE', version: 0, detail: 'Too many offers are refused; come back after the delay.' }
export const tooLate: Refusal = {
  code: 'BEHIND',
  version: 0,
  detail: 'Another entry came first; take that in and offer again.',
}

/** Tells each publisher which of its offers are on disk, in one message (rule AK1). */
export function acknowledge(accepted: ReadonlyMap<Publisher, readonly number[]>): void {
  for (const [publisher, ids] of accepted) publisher.send({ type: 'accepted', ids })
}

/** An offer, and why it was not taken. */
interface RefusedOffer {
  readonly publisher: Publisher
  readonly offer: Offer
  readonly refusal: Refusal
  /** Default: what the refusal needs. */
  readonly retryMs?: number
}

/** Tells each publisher which of its offers were not taken, and why. They no longer count as waiting. */
export function refuse(some: readonly RefusedOffer[]): void {
  const refused = new Map<Publisher, RelayMessage[]>()
  for (const { publisher, offer, refusal, retryMs = refusal.code === 'UNAVAILABLE' ? unavailableRetryMs : 0 } of some) {
    const { code, version, detail } = refusal
    const message: RelayMessage = { type: 'refused', what: 'offer', subject: offer.id, code, version, retryMs, detail }
    const messages = refused.get(publisher)
    if (messages) messages.push(message)
    else refused.set(publisher, [message])
    publisher.settled(heldBytes(offer))
  }
  for (const [publisher, messages] of refused) publisher.sendAll(messages)
}
