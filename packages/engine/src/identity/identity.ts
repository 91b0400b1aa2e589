import { boundClock, type DeviceId, helloType, type OrgId, parseDeviceId, parseOrgId, type PublicKey, type Role } from '@entente/protocol'
import { decodeJwt, SignJWT } from 'jose'
import { toBase64UrlEncoded } from 'lib0/buffer'
import type { Hello } from '../link/index.js'
import type { Clock } from '../port/clock.js'
import type { RandomBytes } from '../port/random.js'
import type { Store, StoreKey } from '../port/store.js'
import type { Row } from '../row/row.js'
import { rowKey } from '../row/rows.js'
import { Stamper } from '../row/stamper.js'
import { certifyDevice, createKeyPair, type KeyPair } from './certificate.js'
import { signDecision } from './decision.js'

/** Who this device is: its org, its person, and the keys that prove it. The keys never leave the device. */
export interface Identity {
  readonly org: { readonly id: OrgId; readonly name: string }
  readonly user: { readonly id: string; readonly name: string; readonly role: 'admin' | 'member' }
  readonly device: DeviceId
  /** Changes when it is renewed. */
  readonly certificate: string
  readonly rootJwk: PublicKey
  /** The relay's clock minus the device's, milliseconds, as noted last; 0 before the first session. */
  readonly clockOffset: number
  /** Opens a session with a relay (rules ID1 to ID4). Dated by the relay's clock; a certificate that has expired by it is renewed. */
  readonly hello: Hello
  /** Signs in the name of the person at this device. Org, person and time are added to the payload; the time is the relay's, as last heard (rule ID4). */
  signDecision(type: string, payload: object): Promise<string>
}

/** The identity as the store keeps it, outside the rows: no other device may have the keys. */
export interface StoredIdentity {
  readonly orgName: string
  readonly user: { readonly id: string; readonly name: string; readonly role: Role }
  readonly root: KeyPair
  readonly device: KeyPair
  readonly certificate: string
  /** The relay's clock minus the device's, milliseconds, as last heard. */
  readonly offset?: number
}

export const identityKey: StoreKey = ['meta', 'identity']

export interface CreateIdentityOptions {
  readonly orgName: string
  readonly userName: string
  readonly store: Store
  readonly clock: Clock
  readonly random: RandomBytes
}

/** Makes an org: its root key, and a first device in the hands of its first admin. Where another tab was faster, its org is used. */
export async function createIdentity(options: CreateIdentityOptions): Promise<Identity> {
  const { orgName, userName, store, clock, random } = options
  const [root, device] = [await createKeyPair(), await createKeyPair()]
  const user = { id: toBase64UrlEncoded(random(16)), name: userName, role: 'admin' } as const
  const certificate = await certifyDevice(root, device, { user: user.id, role: user.role }, seconds(clock))
  const made: StoredIdentity = { orgName, user, root, device, certificate }
  const kept = await store.update([identityKey], ([present]) => {
    if (present !== undefined) return { writes: [], result: asStoredIdentity(present) }
    return {
      writes: [
        { put: identityKey, value: made },
        { put: rowKey('Key', 'team'), value: secretRow(clock, random) },
      ],
      result: made,
    }
  })
  return toIdentity(kept, store, clock)
}

/** The org's own secret, of which the keys of its team and the origin of its seals are derived. A row, so that the org's other devices get it. */
function secretRow(clock: Clock, random: RandomBytes): Row {
  const secret = toBase64UrlEncoded(random(32))
  return { object: 'Key', id: 'team', registers: { secret: [new Stamper(clock, random).next(undefined), secret] } }
}

/** The org of a store, or undefined where it holds none yet. */
export async function loadIdentity(store: Store, clock: Clock): Promise<Identity | undefined> {
  const [stored] = await store.get([identityKey])
  return stored === undefined ? undefined : toIdentity(asStoredIdentity(stored), store, clock)
}

/** A change of the clock's error above this is stored, in milliseconds: a smaller one would mean a write at each hello. */
const offsetStepMs = 60_000
/** A hello is good for this long, in seconds: it is made for one nonce and used at once. */
const helloSeconds = 60

function toIdentity(stored: StoredIdentity, store: Store, clock: Clock): Identity {
  const { orgName, user, root, device } = stored
  let { certificate, offset = 0 } = stored
  const org = { id: parseOrgId(root.thumbprint), name: orgName }

  const keep = (): Promise<void> =>
    store.update([], () => ({ writes: [{ put: identityKey, value: { ...stored, certificate, offset } }], result: undefined }))
  const renewAt = async (now: number): Promise<void> => {
    if (isValidAt(certificate, now)) return
    certificate = await certifyDevice(root, device, { user: user.id, role: user.role }, now)
    await keep()
  }

  return {
    org,
    user: { ...user, role: user.role === 'admin' ? 'admin' : 'member' },
    device: parseDeviceId(device.thumbprint),
    get certificate() {
      return certificate
    },
    rootJwk: root.publicJwk,
    get clockOffset() {
      return offset
    },
    async hello({ nonce, host, version, time, join }) {
      const now = Math.floor(time / 1000)
      const heard = time - clock.now()
      if (Math.abs(heard - offset) > offsetStepMs) {
        offset = heard
        await keep()
      }
      await renewAt(now)
      const token = await new SignJWT({ nonce, version, ...(join !== undefined && { join }) })
        .setProtectedHeader({ alg: 'EdDSA', typ: helloType })
        .setAudience(host)
        .setIssuedAt(now)
        .setExpirationTime(now + helloSeconds)
        .sign(device.privateKey)
      return { token, certificate }
    },
    async signDecision(type, payload) {
      const iat = Math.floor(boundClock(clock.now() + offset) / 1000)
      await renewAt(iat)
      return signDecision(device, type, { ...payload, iss: org.id, by: user.id, iat }, certificate)
    },
  }
}

/** Renewed a month before it runs out, so that a device that is offline for a while comes back with a good one. */
const renewSeconds = 30 * 24 * 60 * 60

function isValidAt(certificate: string, now: number): boolean {
  const { iat = 0, exp = 0 } = decodeJwt(certificate)
  return iat <= now + renewSeconds && exp >= now + renewSeconds
}

const seconds = (clock: Clock): number => Math.floor(clock.now() / 1000)

// Written by this library, so its shape is known.
const asStoredIdentity = (value: unknown): StoredIdentity => value as StoredIdentity
