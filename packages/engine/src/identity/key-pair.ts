import type { PublicKey } from '@entente/protocol'
import { calculateJwkThumbprint, type CryptoKey, exportJWK, generateKeyPair } from 'jose'

/** An Ed25519 key whose private half cannot leave this device: the browser signs with it and never shows it. */
export interface KeyPair {
  readonly privateKey: CryptoKey
  readonly publicJwk: PublicKey
  /** RFC 7638, SHA-256, base64url. */
  readonly thumbprint: string
}

export async function createKeyPair(): Promise<KeyPair> {
  // jose makes the public half exportable whatever is said of the private one.
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: false })
  const { x } = await exportJWK(publicKey)
  if (x === undefined) throw new TypeError('This platform makes Ed25519 keys without a public part.')
  const publicJwk: PublicKey = { kty: 'OKP', crv: 'Ed25519', x }
  return { privateKey, publicJwk, thumbprint: await calculateJwkThumbprint(publicJwk) }
}
