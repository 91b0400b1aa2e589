import { chacha20poly1305 } from '@noble/ciphers/chacha.js'
import { bytes32, type ConnectionId, exchangeKey, type OrgId } from '@entente/protocol'
import { type AEADFactory, CipherSuite, KDF_HKDF_SHA256, KEM_DHKEM_X25519_HKDF_SHA256 } from 'hpke'
import { fromBase64UrlEncoded } from 'lib0/buffer'
import { encodeUtf8 } from 'lib0/string'
import * as v from 'valibot'
import { EngineError } from '../error.js'

// Sealing a secret to one X25519 key: HPKE (RFC 9180) in base mode with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and ChaCha20Poly1305 (rule HP1). Who sealed it
// is said by the signature of what carries it.

/** No browser's WebCrypto has this cipher, and noble is here anyway. */
const aead: AEADFactory = () => ({
  id: 0x0003,
  type: 'AEAD',
  name: 'ChaCha20Poly1305',
  Nk: 32,
  Nn: 12,
  Nt: 16,
  Seal: async (key, nonce, aad, plaintext) => chacha20poly1305(key, nonce, aad).encrypt(plaintext),
  Open: async (key, nonce, aad, sealed) => chacha20poly1305(key, nonce, aad).decrypt(sealed),
})

const suite = new CipherSuite(KEM_DHKEM_X25519_HKDF_SHA256, KDF_HKDF_SHA256, aead)

/** The encapsulated key, which stands before the cipher's bytes. */
const headBytes = 32

/** What a sealed secret is for. A seal for one purpose, org, connection or generation opens for no other (rule HP2). */
export interface SealPurpose {
  /** An org's own secret, for its devices; what one org of a connection seals with next, for the other; what a device that joins is given; or the key of a backup. */
  readonly purpose: 'own secret' | 'sending secret' | 'joining' | 'backup'
  /** The org whose secret it is, or the connection. */
  readonly of: OrgId | ConnectionId
  readonly generation: number
}

/** The `info` of HPKE for a purpose (rule HP2). */
export function sealInfo({ purpose, of, generation }: SealPurpose): Uint8Array {
  return encodeUtf8(`entente/1 ${purpose}\n${of}\n${generation}\n`)
}

/**
 * Seals to an X25519 public key: the encapsulated key (32 bytes), then the ciphertext with its tag (16 bytes more than the plaintext).
 *
 * @param exchange the public key, base64url
 * @param aad what is shown beside the seal, and has to be the same when it is opened
 * @throws EngineError INVALID for a text that is no key, or a key of small order, to which anyone could open (rule HP3)
 */
export async function sealTo(exchange: string, info: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Promise<Uint8Array> {
  if (!v.is(exchangeKey, exchange)) throw new EngineError('INVALID', 'This key protects nothing. Add the device, or connect, again.')
  const key = await suite.DeserializePublicKey(fromBase64UrlEncoded(exchange))
  const { encapsulatedSecret, ciphertext } = await suite.Seal(key, plaintext, { info, aad })
  const sealed = new Uint8Array(headBytes + ciphertext.length)
  sealed.set(encapsulatedSecret)
  sealed.set(ciphertext, headBytes)
  return sealed
}

/**
 * Opens what was sealed to a key. Undefined where it does not open: it is for another key, purpose, `info` or `aad`, was changed, or its encapsulated key
 * is of small order (rules HP2, HP3).
 *
 * @param exchange both halves of the key, base64url
 */
export async function openFrom(
  exchange: { readonly secret: string; readonly public: string },
  info: Uint8Array,
  aad: Uint8Array,
  sealed: Uint8Array,
): Promise<Uint8Array | undefined> {
  if (!v.is(bytes32, exchange.secret) || !v.is(bytes32, exchange.public)) return undefined
  try {
    const privateKey = await suite.DeserializePrivateKey(fromBase64UrlEncoded(exchange.secret), false)
    const pair = { privateKey, publicKey: await suite.DeserializePublicKey(fromBase64UrlEncoded(exchange.public)) }
    return await suite.Open(pair, sealed.subarray(0, headBytes), sealed.subarray(headBytes), { info, aad })
  } catch {
    return undefined
  }
}
