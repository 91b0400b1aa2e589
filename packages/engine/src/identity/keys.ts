import { type PublicKey, thumbprintOf, toPublicKey } from '@entente/protocol'
import type { CryptoKey } from 'jose'
import { fromBase64UrlEncoded, toBase64UrlEncoded } from 'lib0/buffer'
import type { RandomBytes } from '../port/random.js'

// The keys of devices, orgs and kits. The platform's WebCrypto has both curves, in browsers and in Node: no other code computes on them.

type Curve = 'Ed25519' | 'X25519'

/** What is used of WebCrypto here. */
declare const crypto: {
  readonly subtle: {
    generateKey(
      curve: 'Ed25519',
      extractable: boolean,
      usages: readonly string[],
    ): Promise<{ readonly publicKey: CryptoKey; readonly privateKey: CryptoKey }>
    importKey(format: 'pkcs8' | 'raw', bytes: Uint8Array, curve: Curve, extractable: boolean, usages: readonly string[]): Promise<CryptoKey>
    exportKey(format: 'jwk', key: CryptoKey): Promise<{ readonly x?: string }>
    deriveBits(algorithm: { readonly name: 'X25519'; readonly public: CryptoKey }, own: CryptoKey, bits: number): Promise<ArrayBuffer>
  }
}

/** An Ed25519 key. The private half of a device's cannot leave it: the browser signs with it and never shows it. */
export interface KeyPair {
  readonly privateKey: CryptoKey
  readonly publicJwk: PublicKey
  /** RFC 7638, SHA-256, base64url. */
  readonly thumbprint: string
}

/** @param extractable only for the root key, which moves into the recovery kit */
export async function createKeyPair(extractable = false): Promise<KeyPair> {
  // The public half can always be exported, also where the private one cannot.
  const { publicKey, privateKey } = await crypto.subtle.generateKey('Ed25519', extractable, ['sign', 'verify'])
  return pairOf(privateKey, publicKey)
}

/** The key that has this seed: 32 bytes, base64url. The platform works out the public half. */
export async function keyPairOf(seed: string): Promise<KeyPair> {
  const privateKey = await privateKeyOf('Ed25519', seed, 'sign')
  return pairOf(privateKey, privateKey)
}

/** @param shown a key whose public half may be read */
async function pairOf(privateKey: CryptoKey, shown: CryptoKey): Promise<KeyPair> {
  const { x } = await crypto.subtle.exportKey('jwk', shown)
  if (x === undefined) throw new TypeError('This platform makes Ed25519 keys without a public part.')
  return { privateKey, publicJwk: toPublicKey(x), thumbprint: thumbprintOf(x) }
}

/** The private key of these 32 bytes, base64url, that may be used for one thing. */
function privateKeyOf(curve: Curve, secret: string, usage: 'sign' | 'deriveBits'): Promise<CryptoKey> {
  // WebCrypto takes private bytes only within the ASN.1 of a PKCS #8 key (RFC 8410), which names the curve in its twelfth byte.
  const head = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, curve === 'Ed25519' ? 0x70 : 0x6e, 4, 0x22, 4, 0x20]
  return crypto.subtle.importKey('pkcs8', Uint8Array.of(...head, ...fromBase64UrlEncoded(secret)), curve, true, [usage])
}

/** An X25519 key of a device, to which its org's secrets are sealed. Both halves are base64url, as they are kept. */
export interface ExchangeKey {
  readonly secret: string
  readonly public: string
}

export function createExchangeKey(random: RandomBytes): Promise<ExchangeKey> {
  return exchangeKeyOf(toBase64UrlEncoded(random(32)))
}

/** Both halves of the key that has this secret half. */
export async function exchangeKeyOf(secret: string): Promise<ExchangeKey> {
  // The public half is what the secret makes of the curve's base point, the number 9.
  return { secret, public: toBase64UrlEncoded(await x25519(secret, new Uint8Array(32).fill(9, 0, 1))) }
}

/**
 * What only the two who made these keys can compute: 32 bytes. Undefined for a key of small order, with which anyone could (RFC 7748, section 6.1).
 *
 * @param secret the secret half of the one, base64url
 * @param other the public half of the other, base64url
 */
export async function agree(secret: string, other: string): Promise<Uint8Array | undefined> {
  try {
    return await x25519(secret, fromBase64UrlEncoded(other))
  } catch {
    return undefined
  }
}

/** Rejects where all that comes out is zeros, as WebCrypto asks of every platform. */
async function x25519(secret: string, point: Uint8Array): Promise<Uint8Array> {
  const [own, other] = [await privateKeyOf('X25519', secret, 'deriveBits'), await crypto.subtle.importKey('raw', point, 'X25519', true, [])]
  return new Uint8Array(await crypto.subtle.deriveBits({ name: 'X25519', public: other }, own, 256))
}
