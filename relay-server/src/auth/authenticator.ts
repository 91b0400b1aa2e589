import { createHash, randomFillSync } from 'node:crypto'
import {
  type MessageOf,
  certificateClaims,
  certificateHeader,
  type CertificateClaims,
  certificateType,
  type DeviceId,
  helloClaims,
  helloType,
  type OrgId,
  ProtocolError,
  protocolVersions,
  type Role,
} from '@entente/protocol'
import { calculateJwkThumbprint, decodeProtectedHeader, importJWK, type JWTPayload, jwtVerify, type JWTVerifyOptions } from 'jose'
import * as v from 'valibot'
import { admitOrg } from './org-admission.js'
import type { RelayConfig } from '../config/config.js'
import { LruMap } from '../flow/lru.js'
import { standingOf } from './revocation.js'
import type { Store } from '../store/store.js'

/** Clocks of devices and of the relay may differ by this much, in seconds. */
export const clockToleranceSeconds = 5 * 60
const nonceBytes = 16
/** Nonces per draw: asking the system for many costs as much as for one. */
const noncesPerDraw = 64
/** Capacity of the cache of verified certificates: a device that reconnects brings the same one. Each takes a good kilobyte. */
const keptCertificates = 250

/** The device behind a session, and its org. */
export interface Identity {
  readonly org: OrgId
  readonly device: DeviceId
  readonly role: Role
  /** When the certificate expires, in seconds since 1970. */
  readonly expires: number
}

/** A certificate whose signature and ids are verified; only its expiry remains to be checked. */
interface Certified {
  readonly identity: Identity
  readonly key: VerifyingKey
}

type VerifyingKey = Awaited<ReturnType<typeof importJWK>>

/** Decides who a device is, by its hello, and whether it may enter. */
export class Authenticator {
  readonly #config: RelayConfig
  readonly #names: readonly string[]
  readonly #store: Store
  /** By the SHA-256 of the certificate. */
  readonly #certified = new LruMap<string, Certified>(keptCertificates)

  /** @param names those of this relay */
  constructor(config: RelayConfig, names: readonly string[], store: Store) {
    this.#config = config
    this.#names = names
    this.#store = store
  }

  /**
   * Verifies a hello (rules ID1 to ID4). The org's root key signs the certificate, and its thumbprint is the org's id. The device key that the certificate
   * names signs the hello, over this socket's nonce and a name of this relay. The relay must serve the org (rules AM1 to AM3), and the org must not have
   * revoked the device.
   *
   * @throws ProtocolError AUTH for any failed check, in the same words for every fault of hello or certificate; VERSION for a version that the relay does not speak
   */
  async identify(hello: MessageOf<'hello'>, nonce: Uint8Array): Promise<Identity> {
    const { identity, key } = await orAuth(() => this.#certify(hello.certificate))
    const claims = await orAuth(async () => {
      const parsed = v.parse(helloClaims, await verify(hello.token, key, { typ: helloType, audience: [...this.#names] }))
      if (parsed.nonce !== Buffer.from(nonce).toString('base64url')) throw new Error('another nonce')
      return parsed
    })
    const { version } = claims
    if (version < protocolVersions.oldest || version > protocolVersions.newest) {
      throw new ProtocolError('VERSION', `This relay does not speak protocol version ${version}.`)
    }
    const { org, device } = identity
    const { standing, isRevoked } = await standingOf(org, device, this.#store)
    await admitOrg({ org, standing }, claims.join, this.#config, this.#store)
    if (isRevoked) throw new ProtocolError('AUTH', 'This device has been revoked.')
    return identity
  }

  async #certify(token: string): Promise<Certified> {
    const digest = createHash('sha256').update(token).digest('base64url')
    const known = this.#certified.get(digest)
    if (known) {
      if (hasExpired(known.identity, Date.now())) throw new Error('the certificate has ended')
      return known
    }
    const { iss: org, sub: device, role, exp: expires, cnf } = await readCertificate(token)
    const certified = { identity: { org, device, role, expires }, key: await importJWK(cnf.jwk, 'EdDSA') }
    this.#certified.set(digest, certified)
    return certified
  }
}

/** Whether the certificate has expired, with the tolerance for clocks added. @param now ms since 1970 */
export function hasExpired({ expires }: Identity, now: number): boolean {
  return expires + clockToleranceSeconds <= Math.floor(now / 1000)
}

let drawn = new Uint8Array()

/** Random bytes for one challenge. Each nonce has its own memory, so an idle socket does not keep the others' nonces alive. */
export function drawNonce(): Uint8Array {
  if (drawn.length === 0) drawn = randomFillSync(new Uint8Array(nonceBytes * noncesPerDraw))
  const nonce = drawn.slice(0, nonceBytes)
  drawn = drawn.subarray(nonceBytes)
  return nonce
}

async function readCertificate(token: string): Promise<CertificateClaims> {
  const header = v.parse(certificateHeader, decodeProtectedHeader(token))
  const claims = v.parse(certificateClaims, await verify(token, await importJWK(header.jwk, 'EdDSA'), { typ: certificateType }))
  if (claims.iss !== (await calculateJwkThumbprint(header.jwk))) throw new Error('the issuer is another key')
  if (claims.sub !== (await calculateJwkThumbprint(claims.cnf.jwk))) throw new Error('the subject is another key')
  return claims
}

async function verify(token: string, key: VerifyingKey, options: Pick<JWTVerifyOptions, 'typ' | 'audience'>): Promise<JWTPayload> {
  const always = { algorithms: ['EdDSA'], clockTolerance: clockToleranceSeconds, requiredClaims: ['exp'] }
  return (await jwtVerify(token, key, { ...always, ...options })).payload
}

/** One answer for every failed check, so that an attacker learns nothing. */
async function orAuth<T>(check: () => Promise<T>): Promise<T> {
  try {
    return await check()
  } catch {
    throw new ProtocolError('AUTH', 'The relay did not accept the hello or its certificate. If this goes on, ask an admin of your org.')
  }
}
