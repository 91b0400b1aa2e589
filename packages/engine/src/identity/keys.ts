import { type PublicKey, toPublicKey } from '@entente/protocol'
import { x25519 } from '@noble/curves/ed25519.js'
import { calculateJwkThumbprint, type CryptoKey, exportJWK, generateKeyPair, importPKCS8 } from 'jose'
import { fromBase64UrlEncoded, toBase64, toBase64UrlEncoded } from 'lib0/buffer'
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
  return pairOf(privateKey, publicKey)
}

/** The ASN.1 of a PKCS #8 key (RFC 8410) up to the seed. */
const pkcs8Head = Uint8Array.of(0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20)

/** The key that has this seed: 32 bytes, base64url. The platform works out the public half. */
export async function keyPairOf(seed: string): Promise<KeyPair> {
  const bytes = Uint8Array.of(...pkcs8Head, ...fromBase64UrlEncoded(seed))
  const pem = `-----BEGIN PRIVATE KEY-----\n${toBase64(bytes)}\n-----END PRIVATE KEY-----`
  const privateKey = await importPKCS8(pem, 'EdDSA', { extractable: true })
  return pairOf(privateKey, privateKey)
}

/** @param shown a key whose public half may be read */
async function pairOf(privateKey: CryptoKey, shown: CryptoKey): Promise<KeyPair> {
  const { x } = await exportJWK(shown)
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
