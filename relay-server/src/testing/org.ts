import { KeyObject, sign } from 'node:crypto'
import {
  certificateType,
  type DeviceId,
  helloType,
  type OrgId,
  parseDeviceId,
  parseOrgId,
  protocolVersions,
  type Role,
} from '@entente/protocol'
import { calculateJwkThumbprint, type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'

interface KeyPair {
  readonly publicJwk: JWK
  readonly privateKey: CryptoKey
  readonly thumbprint: string
}

/** An org for tests: its root key, with which it certifies devices. */
export interface TestOrg {
  readonly id: OrgId
  readonly root: KeyPair
}

/** A device for tests: its key and certificate. */
export interface TestDevice {
  readonly org: OrgId
  readonly id: DeviceId
  readonly certificate: string
  /** Signs a JWT with the device's key, over this header and these claims as they are. */
  sign(parts: string): string
  /** The hello for a nonce of the relay with this name. */
  hello(nonce: Uint8Array, relayName: string, claims?: HelloOverrides): Promise<{ readonly token: string; readonly certificate: string }>
}

export interface HelloOverrides {
  readonly version?: number
  /** Seconds since 1970. */
  readonly expires?: number
  /** The org's join token. */
  readonly join?: string
}

export interface DeviceOptions {
  readonly role?: Role
  readonly user?: string
  /** Seconds since 1970. */
  readonly expires?: number
  /** Signs the certificate with another org's key, as a forger would. */
  readonly signedBy?: TestOrg
  /** Names another device than the one whose key it holds. */
  readonly subject?: DeviceId
  /** Presents another key as the org's root key, as a cleverer forger would. */
  readonly shownKey?: TestOrg
}

export async function createOrg(): Promise<TestOrg> {
  const root = await createKey()
  return { id: parseOrgId(root.thumbprint), root }
}

export async function createDevice(org: TestOrg, options: DeviceOptions = {}): Promise<TestDevice> {
  const key = await createKey()
  const { root } = options.signedBy ?? org
  const now = Math.floor(Date.now() / 1000)
  const certificate = await new SignJWT({ cnf: { jwk: key.publicJwk }, user: options.user ?? 'Vera', role: options.role ?? 'admin' })
    .setProtectedHeader({ alg: 'EdDSA', typ: certificateType, jwk: (options.shownKey ?? org).root.publicJwk })
    .setIssuer(org.id)
    .setSubject(options.subject ?? key.thumbprint)
    .setIssuedAt(now)
    .setExpirationTime(options.expires ?? now + 3_600)
    .sign(root.privateKey)
  const signingKey = KeyObject.from(key.privateKey)
  // Signed at once, as a device in Node can: in a bench the clock runs while a device says hello.
  const signToken = (parts: string): string => `${parts}.${sign(null, Buffer.from(parts), signingKey).toString('base64url')}`
  const hello: TestDevice['hello'] = async (nonce, relayName, { version = protocolVersions.newest, expires = now + 60, join } = {}) => {
    const claims = { nonce: Buffer.from(nonce).toString('base64url'), version, aud: relayName, iat: now, exp: expires, join }
    return { token: signToken(`${toPart({ alg: 'EdDSA', typ: helloType })}.${toPart(claims)}`), certificate }
  }
  return { org: org.id, id: parseDeviceId(key.thumbprint), certificate, sign: signToken, hello }
}

/** A header or claims of a JWT. */
export function toPart(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

async function createKey(): Promise<KeyPair> {
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
  const { kty, crv, x } = await exportJWK(publicKey)
  if (kty === undefined || crv === undefined || x === undefined) throw new Error('The platform gave a key of another form.')
  const publicJwk = { kty, crv, x }
  return { publicJwk, privateKey, thumbprint: await calculateJwkThumbprint(publicJwk) }
}
