import {
  boundClock,
  type DeviceId,
  type HeadClaims,
  helloType,
  type OrgId,
  parseDeviceId,
  parseOrgId,
  type Role,
  type RosterClaims,
} from '@entente/protocol'
import { CompactSign, exportJWK } from 'jose'
import { toBase64UrlEncoded } from 'lib0/buffer'
import { encodeUtf8 } from 'lib0/string'
import type { Introduction, Introduced } from '../link/index.js'
import type { Clock } from '../port/clock.js'
import type { RandomBytes } from '../port/random.js'
import type { Store, StoreKey, Write } from '../port/store.js'
import type { Row } from '../row/row.js'
import { rowWrite } from '../row/stored-row.js'
import { Stamper } from '../row/stamper.js'
import { keyringKey } from '../seal/keyring.js'
import { signDecision, signText } from './decision.js'
import { createExchangeKey, createKeyPair, type ExchangeKey, type KeyPair } from './keys.js'
import { openOwnRotation, type OwnRotationOptions, signOwnRotation, type VerifiedOwnRotation } from './own-rotation.js'
import { pathOf, signRoster } from './roster.js'
import type { Rosters } from './rosters.js'

/** Who this device is: its org, its person, and the keys that prove it. The keys never leave the device. */
export interface Identity {
  readonly org: { readonly id: OrgId; readonly name: string }
  readonly user: { readonly id: string; readonly name: string; readonly role: 'admin' | 'member' }
  readonly device: DeviceId
  /** The relay's clock minus the device's, milliseconds, as noted last; 0 before the first session. */
  readonly clockOffset: number
  /** The roster with which this device knows its org to begin, as a JWS: the first one, or that of a recovery. Once someone else has seen it, it stays as it is. */
  readonly founding: string
  /** Opens a session with a relay (rules ID1 to ID4, RO4). */
  hello(introduction: Introduction, rosters: Rosters): Promise<Introduced>
  /** Signs in the name of the person at this device. Org, person and time are added to the payload; the time is the relay's, as last heard (rule ID4). */
  signDecision(type: string, payload: object): Promise<string>
  /**
   * Signs the head of a feed (rule HD2). Its time is the relay's, as last heard, and later than that of the head before it.
   *
   * @param after the time of the head before it, in ms since 1970
   */
  signHead(claims: HeadToSign, after?: number): Promise<string>
  /** Signs a roster as this device. */
  signRoster(claims: RosterClaims): Promise<string>
  /** Signs the next generation of the org's own secret, as an admin's device (rule RT2). */
  signOwnRotation(options: Omit<OwnRotationOptions, 'time'>): Promise<string>
  /** The own secret of a rotation, base64url; undefined where it is not sealed to this device. */
  openOwnRotation(rotation: VerifiedOwnRotation): Promise<string | undefined>
  /** Signs a text as this device. @returns a compact JWS of this kind of decision */
  signText(type: string, text: string): Promise<string>
  /** The rosters of this org are about to be shown to someone. */
  show(): Promise<void>
  /** Takes over the first roster that another tab has shown. */
  catchUp(): Promise<void>
  /** The secret halves that only the recovery kit is to have, base64url; undefined once they are there alone. */
  rootSecrets(): Promise<{ readonly root: string; readonly recovery: string } | undefined>
  /** The recovery kit was saved: deletes those secret halves, here or with the first session. */
  letRootGo(): Promise<void>
}

/** What a head says of its feed, without its time. */
export type HeadToSign = Omit<HeadClaims, 'time' | 'cursors'> & { readonly cursors: Readonly<Record<string, number>> }

/** The identity as the store keeps it, outside the rows: no other device may have the keys. */
export interface StoredIdentity {
  readonly orgName: string
  readonly user: { readonly id: string; readonly name: string; readonly role: Exclude<Role, 'agent'> }
  /** The org's root key. Its private half is here until the recovery kit was saved. */
  readonly root: Omit<KeyPair, 'privateKey'> & { readonly privateKey?: KeyPair['privateKey'] }
  readonly device: KeyPair
  readonly exchange: ExchangeKey
  /** The secret half of the key to which the org's next secrets are sealed, base64url; here as long as the root key is. */
  readonly recovery?: string
  readonly founding: string
  /** Whether a relay or a peer may have seen the first roster. */
  readonly isShown: boolean
  /** Whether the kit was saved. The root key goes then, or with the first session, which signs the first roster once more. */
  readonly isKitSaved?: boolean
  /** The relay's clock minus the device's, milliseconds, as last heard. */
  readonly offset?: number
  /** Whether this is the throw-away org of a device that is about to join another (rule JN2). */
  readonly isJoining?: boolean
}

export const identityKey: StoreKey = ['meta', 'identity']

/** Under what the store has all of an org but its identity. */
const kinds = [
  'row',
  'rows',
  'doc',
  'docs',
  'feed',
  'dirty',
  'audit',
  'audit end',
  'fresh',
  'refused',
  'signed roster',
  'undo',
  'undo part',
  'draft',
  'asked',
  'history',
  'import',
  'import rows',
] as const

/** Deletes what is nobody's: what an interrupted restoration has left, or the throw-away org of a device that began to join another. */
export const emptied: readonly Write[] = [{ delete: keyringKey }, ...kinds.map((kind) => ({ deleteAll: [kind] as const }))]

export interface CreateIdentityOptions {
  readonly orgName: string
  readonly userName: string
  readonly store: Store
  readonly clock: Clock
  readonly random: RandomBytes
  /** Makes the throw-away org of a device that is about to join another. */
  readonly isJoining?: boolean
}

/** Makes an org: its root key, and a first device in the hands of its first admin. Where another tab was faster, its org is used. */
export async function createIdentity(options: CreateIdentityOptions): Promise<Identity> {
  const { orgName, userName, store, clock, random, isJoining = false } = options
  const [root, device] = [await createKeyPair(true), await createKeyPair()]
  const exchange = await createExchangeKey(random)
  const recovery = toBase64UrlEncoded(random(32))
  const user = { id: toBase64UrlEncoded(random(16)), name: userName, role: 'admin' } as const
  const founding = await signFounding({ root, device, exchange, user }, clock.now())
  const made: StoredIdentity = {
    orgName,
    user,
    root,
    device,
    exchange,
    recovery,
    founding,
    isShown: false,
    ...(isJoining && { isJoining }),
  }
  const kept = await store.update([identityKey], ([present]) => {
    if (present !== undefined && (isJoining || asStoredIdentity(present).isJoining !== true))
      return { writes: [], result: asStoredIdentity(present) }
    return {
      writes: [...emptied, { put: identityKey, value: made }, rowWrite(secretRow(clock, random))],
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

export interface RestoredIdentity extends Pick<StoredIdentity, 'orgName' | 'user' | 'device' | 'exchange'> {
  readonly rootKey: KeyPair['publicJwk']
  readonly org: OrgId
}

/** The identity of a device that was restored: its org's root key stays in the kit. @param founding the roster that the root key has signed for it */
export function restoredIdentity({ org, rootKey, ...own }: RestoredIdentity, founding: string): StoredIdentity {
  return { ...own, root: { publicJwk: rootKey, thumbprint: org }, founding, isShown: false }
}

/** The org of a store, or undefined where it holds none yet. @param isJoining to load the throw-away org of a device that is about to join another */
export async function loadIdentity(store: Store, clock: Clock, isJoining = false): Promise<Identity | undefined> {
  const stored = (await store.get([identityKey]))[0] as StoredIdentity | undefined
  return stored === undefined || (stored.isJoining === true) !== isJoining ? undefined : toIdentity(stored, store, clock)
}

/** The roster of an org that is being founded. @param now milliseconds since 1970 */
function signFounding(
  { root, device, exchange, user }: Pick<StoredIdentity, 'device' | 'exchange' | 'user'> & { readonly root: KeyPair },
  now: number,
): Promise<string> {
  const listed = { key: device.publicJwk.x, exchange: exchange.public, person: user.id, role: user.role }
  const time = Math.max(0, Math.floor(now))
  return signRoster({ org: parseOrgId(root.thumbprint), number: 1, time, devices: [listed] }, { root })
}

/** A change of the clock's error above this is stored, in milliseconds: a smaller one would mean a write at each hello. */
const offsetStepMs = 60_000

function toIdentity(stored: StoredIdentity, store: Store, clock: Clock): Identity {
  const { orgName, user, root, device, exchange } = stored
  let { founding, isShown, offset = 0 } = stored
  const org = { id: parseOrgId(root.thumbprint), name: orgName }

  /** What another tab has shown stays: its relay and its peers know that roster. */
  const adopt = (present: StoredIdentity): void => {
    if (!present.isShown) return
    founding = present.founding
    isShown = true
  }

  const catchUp = async (): Promise<void> => {
    if (!isShown) adopt(asStoredIdentity((await store.get([identityKey]))[0]))
  }

  // Another tab may have let the root key go meanwhile.
  const keep = (isKitSaved = false): Promise<void> =>
    store.update([identityKey], ([present]) => {
      adopt(asStoredIdentity(present))
      const now = { ...asStoredIdentity(present), founding, isShown, offset }
      const kept = isKitSaved ? { ...now, isKitSaved } : now
      return { writes: [{ put: identityKey, value: kept.isKitSaved === true && isShown ? withoutRoot(kept) : kept }], result: undefined }
    })

  return {
    org,
    user,
    device: parseDeviceId(device.thumbprint),
    get founding() {
      return founding
    },
    get clockOffset() {
      return offset
    },
    async hello({ nonce, host, version, time, join, isUnknown, readRoster }, rosters) {
      await catchUp()
      const heard = time - clock.now()
      const moved = Math.abs(heard - offset) > offsetStepMs
      if (moved) offset = heard
      const isFirst = !isShown
      // The clock that dated the first roster was wrong, and nobody has seen it yet.
      if (isFirst && moved && root.privateKey) {
        founding = await signFounding({ device, exchange, user, root: { ...root, privateKey: root.privateKey } }, time)
      }
      isShown = true
      if (isFirst || moved) await keep()
      const chain = await rosters.chain(org.id)
      const highest = chain.at(-1)?.number ?? 1
      // One that was signed here and is not at the relay may lose its number to another's: named, it would keep this device out for good (rule RO4).
      const roster = isFirst ? highest : Math.min(highest, readRoster)
      const claims = { nonce, aud: host, version, org: org.id, roster, ...(join !== undefined && { join }) }
      const token = await new CompactSign(encodeUtf8(JSON.stringify(claims)))
        .setProtectedHeader({ alg: 'EdDSA', typ: helloType, kid: device.thumbprint })
        .sign(device.privateKey)
      // The relay may have others in the place of those that it never showed: none of these is left out (rule RO7).
      const shown = chain.filter(({ number }) => number <= readRoster)
      const path = [...pathOf(shown), ...chain.slice(shown.length)]
      return { token, rosters: isFirst || isUnknown ? path.map((each) => each.token) : [] }
    },
    signDecision(type, payload) {
      const iat = Math.floor(boundClock(clock.now() + offset) / 1000)
      return signDecision(device, type, { ...payload, iss: org.id, by: user.id, iat })
    },
    signHead(claims, after = 0) {
      const time = Math.max(Math.floor(boundClock(clock.now() + offset)), after + 1)
      return signDecision(device, 'head', { ...claims, time })
    },
    signRoster: (claims) => signRoster(claims, { device }),
    signOwnRotation(options) {
      return signOwnRotation({ ...options, time: Math.max(0, Math.floor(boundClock(clock.now() + offset))) }, device)
    },
    openOwnRotation(rotation) {
      return openOwnRotation(rotation, parseDeviceId(device.thumbprint), exchange)
    },
    signText: (type, text) => signText(device, type, text),
    async show() {
      if (isShown) return
      isShown = true
      await keep()
    },
    async rootSecrets() {
      const { root: present, recovery } = asStoredIdentity((await store.get([identityKey]))[0])
      if (!present.privateKey || recovery === undefined) return undefined
      const { d } = await exportJWK(present.privateKey)
      return d === undefined ? undefined : { root: d, recovery }
    },
    catchUp,
    async letRootGo() {
      // Where it had gone before this page was opened, there is nothing to write.
      if (root.privateKey) await keep(true)
    },
  }
}

/** The identity as it is once its root key is in the kit alone, and on every device that joins. */
export function withoutRoot(identity: StoredIdentity): StoredIdentity {
  const { publicJwk, thumbprint } = identity.root
  const { recovery: _, ...kept } = identity
  return { ...kept, root: { publicJwk, thumbprint } }
}

// Written by this library, so its shape is known.
const asStoredIdentity = (value: unknown): StoredIdentity => value as StoredIdentity
