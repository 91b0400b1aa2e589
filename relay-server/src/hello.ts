import { createHash, createPublicKey, type KeyObject } from 'node:crypto'
import {
  certificateClaims,
  certificateHeader,
  type CertificateClaims,
  certificateType,
  type DeviceId,
  type OrgId,
  ProtocolError,
  protocolVersions,
  type Role,
} from '@entente/protocol'
import { calculateJwkThumbprint, decodeProtectedHeader, importJWK, jwtVerify } from 'jose'
import * as v from 'valibot'
import { admitOrg } from './admission.js'
import type { RelayConfig } from './config.js'
import { clockToleranceSeconds, HelloTokens } from './hello-token.js'
import { LruMap } from './lru.js'
import type { Asked } from './message.js'
import { isRevoked } from './revocation.js'
import type { Store } from './store/store.js'

/** Certificates that are kept, at least, once verified: a device whose line comes and goes brings the same one. Each takes a good kilobyte. */
const keptCertificates = 250

/** Who has a session. Sessions of one device share one of these while it is kept. */
export interface Identity {
  readonly org: OrgId
  readonly device: DeviceId
  readonly role: Role
  /** Seconds since 1970: the end of the certificate. */
  readonly expires: number
}

/** Whether the certificate has ended, for all the difference that clocks may have. @param now milliseconds since 1970 */
export function hasEnded({ expires }: Identity, now: number): boolean {
  return expires + clockToleranceSeconds <= Math.floor(now / 1000)
}

/** A certificate whose signature and ids were found right; only its end is still to be looked at. */
interface Certified {
  readonly identity: Identity
  readonly key: KeyObject
}

/** Finds out who a device is that says hello to this relay, and whether it is let in. */
export class Doorkeeper {
  readonly #config: RelayConfig
  readonly #tokens: HelloTokens
  readonly #store: Store
  /** By the SHA-256 of the certificate. */
  readonly #certified = new LruMap<string, Certified>(keptCertificates)

  /** @param names those of this relay */
  constructor(config: RelayConfig, names: readonly string[], store: Store) {
    this.#config = config
    this.#tokens = new HelloTokens(names)
    this.#store = store
  }

  /**
   * Who a device is, from its hello (rules ID1 to ID4): the certificate is signed by the org's root key, whose thumbprint is the org's id; the hello is
   * signed by the device key that the certificate names, over the nonce of this very socket and a name of this relay. Neither is let in where the relay
   * does not serve the org (rules AM1 to AM3), or the org has revoked the device.
   *
   * @throws ProtocolError AUTH where anything is off, always in the same words for what was shown; VERSION where the device speaks none of the relay's versions
   */
  async identify(hello: Asked<'hello'>, nonce: Uint8Array): Promise<Identity> {
    const { identity, key } = await orAuth(() => this.#certify(hello.certificate))
    const claims = await orAuth(async () => {
      const parsed = await this.#tokens.read(hello.token, key)
      if (parsed.nonce !== Buffer.from(nonce).toString('base64url')) throw new Error('another nonce')
      return parsed
    })
    if (claims.version < protocolVersions.oldest || claims.version > protocolVersions.newest) {
      throw new ProtocolError('VERSION', `Protocol version ${claims.version} is not spoken here.`)
    }
    const { org, device } = identity
    // Both at once: over a database each is a way there and back.
    const [account, revoked] = await Promise.all([this.#store.account(org), isRevoked(org, device, this.#store)])
    await admitOrg(account, claims.join, this.#config, this.#store)
    if (revoked) throw new ProtocolError('AUTH', 'This device has been revoked.')
    return identity
  }

  async #certify(token: string): Promise<Certified> {
    const digest = createHash('sha256').update(token).digest('base64url')
    const known = this.#certified.get(digest)
    if (known) {
      if (hasEnded(known.identity, Date.now())) throw new Error('the certificate has ended')
      return known
    }
    const { iss: org, sub: device, role, exp: expires, cnf } = await readCertificate(token)
    const certified = { identity: { org, device, role, expires }, key: createPublicKey({ key: cnf.jwk, format: 'jwk' }) }
    this.#certified.set(digest, certified)
    return certified
  }
}

async function readCertificate(token: string): Promise<CertificateClaims> {
  const header = v.parse(certificateHeader, decodeProtectedHeader(token))
  const { payload } = await jwtVerify(token, await importJWK(header.jwk, 'EdDSA'), {
    algorithms: ['EdDSA'],
    typ: certificateType,
    clockTolerance: clockToleranceSeconds,
    requiredClaims: ['exp'],
  })
  const claims = v.parse(certificateClaims, payload)
  if (claims.iss !== (await calculateJwkThumbprint(header.jwk))) throw new Error('the issuer is another key')
  if (claims.sub !== (await calculateJwkThumbprint(claims.cnf.jwk))) throw new Error('the subject is another key')
  return claims
}

/** Which check failed is nobody's business but ours, and one answer for all tells an attacker nothing. */
async function orAuth<T>(check: () => Promise<T>): Promise<T> {
  try {
    return await check()
  } catch {
    throw new ProtocolError('AUTH', 'The hello or its certificate was not accepted; ask an admin of your org if this goes on.')
  }
}
