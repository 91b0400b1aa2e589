import { type KeyObject, verify } from 'node:crypto'
import { promisify } from 'node:util'
import { type HelloClaims, helloClaims, helloType } from '@entente/protocol'
import { jwtVerify } from 'jose'
import * as v from 'valibot'
import { clockToleranceSeconds } from './identity.js'

/** The header as devices spell it; with it stand the algorithm and the type, and that nothing is critical. */
const usualHeader = Buffer.from(JSON.stringify({ alg: 'EdDSA', typ: helloType })).toString('base64url')
/** Base64url without padding, as long as it comes from whole bytes; an Ed25519 signature has 64 of them. */
const usualForm = /^[A-Za-z0-9_-]+\.((?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-]{2,3})?)\.([A-Za-z0-9_-]{86})$/

const notBefore = v.object({ nbf: v.optional(v.number()) })
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const verifyElsewhere = promisify(verify)

/**
 * Verifies the tokens by which devices prove their keys. A device that comes back waits for this one signature, so a token in the spelling that all our
 * devices use takes a short way; any other spelling of the same JWT goes through jose, and both ways take and refuse the same
 * (docs/decisions/2026-11-24-verify-a-hello-at-once.md).
 */
export class HelloTokens {
  readonly #names: readonly string[]
  #hasVerified = false

  /** @param names those of this relay, for one of which a hello must be meant */
  constructor(names: readonly string[]) {
    this.#names = names
  }

  /**
   * @param key the device's, by its certificate
   * @throws where the signature, the type, the times, the audience or the form is not right; whether the nonce is, is left to the caller
   */
  async read(token: string, key: KeyObject): Promise<HelloClaims> {
    const [, payload, signature] = token.startsWith(`${usualHeader}.`) ? (usualForm.exec(token) ?? []) : []
    if (payload === undefined || signature === undefined) return this.#readUnusual(token, key)
    const signed = Buffer.from(`${usualHeader}.${payload}`)
    if (!(await this.#isSigned(signed, key, Buffer.from(signature, 'base64url')))) throw new Error('another key, or other claims')
    const said: unknown = JSON.parse(utf8.decode(Buffer.from(payload, 'base64url')))
    const claims = v.parse(helloClaims, said)
    const { nbf } = v.parse(notBefore, said)
    const now = Math.floor(Date.now() / 1000)
    if (!this.#names.includes(claims.aud)) throw new Error('another relay')
    if (claims.exp <= now - clockToleranceSeconds) throw new Error('over')
    if (nbf !== undefined && nbf > now + clockToleranceSeconds) throw new Error('not yet')
    return claims
  }

  async #readUnusual(token: string, key: KeyObject): Promise<HelloClaims> {
    const { payload } = await jwtVerify(token, key, {
      algorithms: ['EdDSA'],
      typ: helloType,
      clockTolerance: clockToleranceSeconds,
      requiredClaims: ['exp'],
      audience: [...this.#names],
    })
    return v.parse(helloClaims, payload)
  }

  /**
   * One signature in each turn of the loop is verified on the spot, which is soonest; the others are on other threads, so that however many devices come
   * back at once, nobody else waits for more than one.
   */
  #isSigned(signed: Buffer, key: KeyObject, signature: Buffer): boolean | Promise<boolean> {
    if (this.#hasVerified) return verifyElsewhere(null, signed, key, signature)
    this.#hasVerified = true
    setImmediate(() => (this.#hasVerified = false))
    return verify(null, signed, key, signature)
  }
}
