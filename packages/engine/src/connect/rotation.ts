import { type ConnectionId, exchangeKey } from '@entente/protocol'
import { fromBase64UrlEncoded, toBase64UrlEncoded } from 'lib0/buffer'
import * as v from 'valibot'
import { type ExchangeKey, exchangeKeyOf } from '../identity/keys.js'
import { laterGeneration, sealedSecret } from '../identity/own-rotation.js'
import { highestGeneration, receivingSecret, sendingSecret } from '../seal/keys.js'
import { openFrom, sealInfo, sealTo } from '../seal/seal-to-device.js'

// After an org has rotated its own secret, it tells each peer what it sends with from now on, and under which key it receives (rules RT4 and RT5). Both may do so at once,
// and nobody waits: what was sealed under earlier generations stays readable.

const generation = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(highestGeneration))

/** A rotation of a connection as an admin signs it: the next generation of what one side sends with. */
export const rotationTerms = v.object({
  generation: laterGeneration,
  /** The generation of the org's own secret from which the rest is derived. */
  own: generation,
  /** The generation whose rotation brought the peer's receiving key to which the secret is sealed; 0 for the key of the peer's reveal. */
  to: generation,
  /** The sending secret. */
  sealed: sealedSecret,
  /** The number of the roster on which the own secret began; 0 for the first one. So the peer knows whether anyone who was removed since has it. */
  roster: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(2 ** 31 - 1)), 0),
  /** The public half of the org's own next receiving key. Absent where the rotation only answers the peer's. */
  receiving: v.exactOptional(exchangeKey),
})
export type RotationTerms = v.InferOutput<typeof rotationTerms>

/** What of a rotation says whether another one is owed for it. */
type Order = Pick<RotationTerms, 'generation' | 'to' | 'receiving'>

export interface RotationOptions {
  readonly connection: ConnectionId
  readonly generation: number
  /** The org's own secret: its highest generation. */
  readonly own: { readonly generation: number; readonly secret: string; readonly roster: number }
  /** The peer's newest receiving key: its public half, and the generation of the rotation that brought it. */
  readonly to: { readonly generation: number; readonly key: string }
  /** Whether the org brings a receiving key of its own: always, unless it only answers. */
  readonly renews: boolean
}

/** Makes the terms of a rotation. @throws EngineError INVALID where the peer's key protects nothing */
export async function makeRotation({ connection, generation: next, own, to, renews }: RotationOptions): Promise<RotationTerms> {
  const secret = fromBase64UrlEncoded(sendingSecret(own.secret, connection, next))
  const receiving = renews ? { receiving: (await receivingKey(own.secret, connection, next)).public } : {}
  const sealed = toBase64UrlEncoded(await sealTo(to.key, infoOf(connection, next), new Uint8Array(), secret))
  return { generation: next, own: own.generation, roster: own.roster, to: to.generation, sealed, ...receiving }
}

/** What the peer sends with from its rotation on, base64url. Undefined where it does not open with this receiving key. */
export async function openRotation(connection: ConnectionId, terms: RotationTerms, key: ExchangeKey): Promise<string | undefined> {
  const opened = await openFrom(key, infoOf(connection, terms.generation), new Uint8Array(), fromBase64UrlEncoded(terms.sealed))
  return opened?.length === 32 ? toBase64UrlEncoded(opened) : undefined
}

/** The receiving key that an org's rotation brought, by its own secret of the generation that the rotation names. */
export function receivingKey(own: string, connection: ConnectionId, of: number): Promise<ExchangeKey> {
  return exchangeKeyOf(receivingSecret(own, connection, of))
}

/**
 * Whether an org owes the peer a rotation: the peer has brought a receiving key to which the org has sealed nothing yet (rule RT5). An answer without a receiving key
 * of its own is owed none, so two orgs that rotate at once come to rest.
 */
export function owesRotation(own: readonly Order[], peer: readonly Order[]): boolean {
  const brought = peer.filter(({ receiving }) => receiving !== undefined).map(({ generation: of }) => of)
  return Math.max(0, ...brought) > Math.max(0, ...own.map(({ to }) => to))
}

function infoOf(connection: ConnectionId, of: number): Uint8Array {
  return sealInfo({ purpose: 'sending secret', of: connection, generation: of })
}
