import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import {
  type ClientMessage,
  type DeviceId,
  helloType,
  type ListedDevice,
  type MessageOf,
  type OrgId,
  parseDeviceId,
  parseOrgId,
  protocolVersions,
  type Role,
  type RosterClaims,
  rosterType,
  thumbprintOf,
  toPublicKey,
} from '@entente/protocol'

interface KeyPair {
  /** The public key, base64url. */
  readonly x: string
  readonly privateKey: KeyObject
  readonly thumbprint: string
}

/** An org for tests: its root key, which signs a roster for each device that is created. */
export interface TestOrg {
  readonly id: OrgId
  readonly root: KeyPair
  /** Its rosters, each signed by the root key. A device shows the last one. */
  readonly rosters: string[]
  devices: readonly ListedDevice[]
}

/** A device for tests. */
export interface TestDevice {
  readonly org: OrgId
  readonly id: DeviceId
  readonly key: KeyPair
  /** Signs the parts of a JWS with the device's key, as they are. */
  sign(parts: string): string
  /** The hello for a nonce of the relay with this name. */
  hello(nonce: Uint8Array, relayName: string, claims?: HelloOverrides): MessageOf<'hello'>
  /** The same for a relay that may not know the device: with the org's last roster before it. */
  introduce(nonce: Uint8Array, relayName: string, claims?: HelloOverrides): readonly ClientMessage[]
}

export interface HelloOverrides {
  readonly version?: number
  readonly roster?: number
  /** The org's join token. */
  readonly join?: string
}

export interface DeviceOptions {
  readonly role?: Role
  readonly user?: string
}

export async function createOrg(): Promise<TestOrg> {
  const root = createKey('ed25519')
  return { id: parseOrgId(root.thumbprint), root, rosters: [], devices: [] }
}

/** Makes a device, and has the org's root key sign a roster on which it is. */
export async function createDevice(org: TestOrg, { role = 'admin', user = 'Vera' }: DeviceOptions = {}): Promise<TestDevice> {
  const key = createKey('ed25519')
  org.devices = [...org.devices, { key: key.x, exchange: createKey('x25519').x, person: user, role }]
  nextRoster(org)
  // Signed at once, as a device in Node can: in a bench the clock runs while a device says hello.
  const signParts = (parts: string): string => signWith(key, parts)
  const id = parseDeviceId(key.thumbprint)
  const hello: TestDevice['hello'] = (nonce, relayName, overrides = {}) => {
    const { version = protocolVersions.newest, roster = org.rosters.length, join } = overrides
    const claims = { nonce: Buffer.from(nonce).toString('base64url'), version, aud: relayName, org: org.id, roster, join }
    return { type: 'hello', token: signParts(`${toPart({ alg: 'EdDSA', typ: helloType, kid: id })}.${toPart(claims)}`) }
  }
  return {
    org: org.id,
    id,
    key,
    sign: signParts,
    hello,
    introduce: (...said) => [...org.rosters.slice(-1).map((roster) => ({ type: 'roster' as const, roster })), hello(...said)],
  }
}

/** The hello of an org's root key, which only reads (rule ID8). @param signer whose key signs it */
export function rootHello(org: TestOrg, nonce: Uint8Array, relayName: string, signer: TestOrg = org): MessageOf<'hello'> {
  const claims = {
    nonce: Buffer.from(nonce).toString('base64url'),
    version: protocolVersions.newest,
    aud: relayName,
    org: org.id,
    roster: 1,
  }
  const header = { alg: 'EdDSA', typ: helloType, jwk: toPublicKey(signer.root.x) }
  return { type: 'hello', token: signWith(signer.root, `${toPart(header)}.${toPart(claims)}`) }
}

/** Has an org's root key sign the next roster. @param devices default: those that it has */
export function nextRoster(org: TestOrg, devices: readonly ListedDevice[] = org.devices): string {
  org.devices = devices
  const token = signRoster({ ...followingClaims(org), devices: [...devices] }, { root: org.root })
  org.rosters.push(token)
  return token
}

/** An org's devices without one of them. */
export function without(org: TestOrg, { key }: TestDevice): readonly ListedDevice[] {
  return org.devices.filter((listed) => listed.key !== key.x)
}

/** The claims of the roster that follows an org's last one, with the same devices. */
export function followingClaims({ id, rosters, devices }: TestOrg): RosterClaims {
  const before = rosters.at(-1)
  const previous =
    before &&
    createHash('sha256')
      .update(before.slice(0, before.lastIndexOf('.')))
      .digest('base64url')
  return { org: id, number: rosters.length + 1, ...(previous !== undefined && { previous }), time: 0, devices: [...devices] }
}

/** Signs a roster with any root key, or as any device. */
export function signRoster(claims: RosterClaims, by: { readonly root: KeyPair } | { readonly device: TestDevice }): string {
  const signer = 'root' in by ? { jwk: toPublicKey(by.root.x) } : { kid: by.device.id }
  return signWith('root' in by ? by.root : by.device.key, `${toPart({ alg: 'EdDSA', typ: rosterType, ...signer })}.${toPart(claims)}`)
}

/** A header or claims of a JWS. */
export function toPart(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

function signWith({ privateKey }: KeyPair, parts: string): string {
  return `${parts}.${sign(null, Buffer.from(parts), privateKey).toString('base64url')}`
}

function createKey(type: 'ed25519' | 'x25519'): KeyPair {
  const { publicKey, privateKey } = type === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('x25519')
  const { x } = publicKey.export({ format: 'jwk' })
  if (x === undefined) throw new Error('The platform gave a key of another form.')
  return { x, privateKey, thumbprint: thumbprintOf(x) }
}
