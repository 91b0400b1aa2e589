import { randomFillSync } from 'node:crypto'
import {
  type DeviceId,
  type HelloClaims,
  helloClaims,
  helloHeader,
  type MessageOf,
  type OrgId,
  ProtocolError,
  protocolVersions,
  type PublicKey,
  type Role,
  thumbprintOf,
} from '@entente/protocol'
import { compactVerify, decodeJwt, decodeProtectedHeader, importJWK } from 'jose'
import * as v from 'valibot'
import { admitOrg } from './org-admission.js'
import type { RelayConfig } from '../config/config.js'
import type { BroughtRosters, Rosters } from './rosters.js'
import type { Store } from '../store/store.js'

const nonceBytes = 16
/** Nonces per draw: asking the system for many costs as much as for one. */
const noncesPerDraw = 64

/** The device behind a session, and its org. */
export interface Identity {
  readonly org: OrgId
  /** Undefined where the org's root key itself opened the session, which only reads the feeds of its team (rule ID8). */
  readonly device: DeviceId | undefined
  /** As the roster said when the session opened. */
  readonly role: Role
  /** The number of the roster that the device had taken in by then. */
  readonly roster: number
}

/** Decides who a device is, by its hello, and whether it may enter. */
export class Authenticator {
  readonly #config: RelayConfig
  readonly #names: readonly string[]
  readonly #store: Store
  readonly #rosters: Rosters

  /** @param names those of this relay */
  constructor(config: RelayConfig, names: readonly string[], store: Store, rosters: Rosters) {
    this.#config = config
    this.#names = names
    this.#store = store
    this.#rosters = rosters
  }

  /**
   * Verifies a hello (rules ID1 to ID4). The device that it names is on the highest roster of its org, and signed the hello over this socket's nonce and a
   * name of this relay; or the root key of an org that the relay knows did (rule ID8). The relay must serve the org (rules AM1 to AM3).
   *
   * @param brought the rosters that the device brought before it
   * @throws ProtocolError AUTH for any failed check, in the same words for every fault of the hello; VERSION for a version that the relay does not speak
   */
  async identify(hello: MessageOf<'hello'>, nonce: Uint8Array, brought?: BroughtRosters): Promise<Identity> {
    const { token } = hello
    const { kid: device, jwk, claims } = await orAuth(() => this.#read(token, nonce))
    const { org } = claims
    const { standing, roster: kept } = await this.#store.standing(org)
    const { role, isNew, roster } = await orAuth(async () => {
      const known = await this.#rosters.highest(org, kept)
      if (device === undefined) {
        // A relay that knows no roster of the org has nothing to read.
        if (!known || thumbprintOf(jwk.x) !== org) throw new Error('not the root key of an org that is known')
        await compactVerify(token, await importJWK(jwk, 'EdDSA'), { algorithms: ['EdDSA'] })
        return { role: 'admin' as const, isNew: false, roster: known }
      }
      const shown = brought?.lastOf(org)
      const highest = shown && shown.number > (known?.number ?? 0) ? shown : known
      const listed = highest?.devices.get(device)
      // A relay that was restored from a backup may know an earlier roster than the device: it asks for the later one by this refusal.
      if (!highest || !listed || claims.roster > highest.number) throw new Error('not on the roster')
      await compactVerify(token, await this.#rosters.keyOf(listed), { algorithms: ['EdDSA'] })
      return { role: listed.role, isNew: highest !== known, roster: highest }
    })
    const { version } = claims
    if (version < protocolVersions.oldest || version > protocolVersions.newest) {
      throw new ProtocolError('VERSION', `This relay does not speak protocol version ${version}.`)
    }
    await admitOrg({ org, standing }, claims.join, this.#config, this.#store)
    // Another session, or another relay, was faster: what it brought decides.
    if (isNew && !(await this.#rosters.keep(roster))) return this.identify(hello, nonce, brought)
    return { org, device, role, roster: claims.roster }
  }

  /** What the hello says, before anyone knows who said it. */
  async #read(token: string, nonce: Uint8Array): Promise<Said> {
    const header = v.parse(helloHeader, decodeProtectedHeader(token))
    const claims = v.parse(helloClaims, decodeJwt(token))
    if (claims.nonce !== Buffer.from(nonce).toString('base64url')) throw new Error('another nonce')
    if (!this.#names.includes(claims.aud)) throw new Error('another relay')
    return header.kid === undefined ? { kid: undefined, jwk: header.jwk, claims } : { kid: header.kid, jwk: undefined, claims }
  }
}

/** Who a hello says that it is by, a device or its org's root key, and what it says. */
type Said = { readonly claims: HelloClaims } & (
  | { readonly kid: DeviceId; readonly jwk: undefined }
  | { readonly kid: undefined; readonly jwk: PublicKey }
)

let drawn = new Uint8Array()

/** Random bytes for one challenge. Each nonce has its own memory, so an idle socket does not keep the others' nonces alive. */
export function drawNonce(): Uint8Array {
  if (drawn.length === 0) drawn = randomFillSync(new Uint8Array(nonceBytes * noncesPerDraw))
  const nonce = drawn.slice(0, nonceBytes)
  drawn = drawn.subarray(nonceBytes)
  return nonce
}

/** One answer for every failed check, so that an attacker learns nothing. */
async function orAuth<T>(check: () => Promise<T>): Promise<T> {
  try {
    return await check()
  } catch {
    throw new ProtocolError(
      'AUTH',
      'The relay did not accept the hello, or does not know the device. If this goes on, ask an admin of your org.',
    )
  }
}
