import { type PublicKey, toPublicKey } from '@entente/protocol'
import { x25519 } from '@noble/curves/ed25519.js'
import { calculateJwkThumbprint, type CryptoKey, exportJWK, generateKeyPair } from 'jose'
import { fromBase64UrlEncoded, toBase64UrlEncoded } from 'lib0/buffer'
import type { RandomBytes } from '../port/random.js'

/** An Ed25519 key. The private half of a device's cannot leave it: the browser signs with it and never shows it. */
export interface KeyPair {
  readonly privateKey: CryptoKey
  readonly publicJwk: PublicKey
  /** RFC 7638, SHA-256, base64url. */
  readonly thumbprint: string
}

/** @param extractable only for the root key, which moves into the recovery kit */
export async function createKeyPair(extractable = false): Promise<KeyPair> {
  // jose makes the public half exportable, also where the private one is not.
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable })
  const { x } = await exportJWK(publicKey)
  if (x === undefined) throw new TypeError('This platform makes Ed25519 keys without a public part.')
  const publicJwk = toPublicKey(x)
  return { privateKey, publicJwk, thumbprint: await calculateJwkThumbprint(publicJwk) }
}

/** An X25519 key of a device, to which its org's secrets are sealed. Both halves are base64url: not every browser's WebCrypto has this curve. */
export interface ExchangeKey {
  readonly secret: string
  readonly public: string
}

export function createExchangeKey(random: RandomBytes): ExchangeKey {
  return exchangeKeyOf(toBase64UrlEncoded(random(32)))
}

/** Both halves of the key that has this secret half. */
export function exchangeKeyOf(secret: string): ExchangeKey {
  return { secret, public: toBase64UrlEncoded(x25519.getPublicKey(fromBase64UrlEncoded(secret))) }
}
