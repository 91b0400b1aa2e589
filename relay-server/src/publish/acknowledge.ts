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
  /** Bytes, as `heldBytes` counts them, of offers that are no longer in the queue. */
  settled(bytes: number): void
}

/** Memory of a waiting offer, in bytes. An erasure has no bytes of its own, but many of them take room too. */
export function heldBytes({ bytes }: Offer): number {
  return bytes.length + offerOverhead
}

export const unavailable: Refusal = { code: 'UNAVAILABLE', version: 0, detail: 'The relay cannot store at the moment; offer again later.' }
export const tooLate: Refusal = {
  code: 'BEHIND',
  version: 0,
  detail: 'Another entry came first; take that in and offer again.',
}

/** Tells each publisher which of its offers are on disk, in one message (rule AK1). */
export function acknowledge(accepted: ReadonlyMap<Publisher, readonly number[]>): void {
  for (const [publisher, ids] of accepted) publisher.send({ type: 'accepted', ids })
}

/** Tells a publisher why its offer was not taken. The offer no longer counts as waiting. */
export function refuse(
  { publisher, offer }: { readonly publisher: Publisher; readonly offer: Offer },
  { code, version, detail }: Refusal,
): void {
  const retryMs = code === 'UNAVAILABLE' ? unavailableRetryMs : 0
  publisher.send({ type: 'refused', what: 'offer', subject: offer.id, code, version, retryMs, detail })
  publisher.settled(heldBytes(offer))
}
