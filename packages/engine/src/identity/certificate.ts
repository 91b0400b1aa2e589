import {
  type CertificateClaims,
  certificateClaims,
  certificateHeader,
  certificateType,
  type DeviceId,
  type OrgId,
  type PublicKey,
  type Role,
} from '@entente/protocol'
import {
  calculateJwkThumbprint,
  compactVerify,
  type CryptoKey,
  decodeJwt,
  decodeProtectedHeader,
  exportJWK,
  generateKeyPair,
  importJWK,
  SignJWT,
} from 'jose'
import * as v from 'valibot'

/** An Ed25519 key whose private half cannot leave this device: the browser signs with it and never shows it. */
export interface KeyPair {
  readonly privateKey: CryptoKey
  readonly publicJwk: PublicKey
  /** RFC 7638, SHA-256, base64url. */
  readonly thumbprint: string
}

export async function createKeyPair(): Promise<KeyPair> {
  // jose makes the public half exportable, also where the private one is not.
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: false })
  const { x } = await exportJWK(publicKey)
  if (x === undefined) throw new TypeError('This platform makes Ed25519 keys without a public part.')
  const publicJwk: PublicKey = { kty: 'OKP', crv: 'Ed25519', x }
  return { privateKey, publicJwk, thumbprint: await calculateJwkThumbprint(publicJwk) }
}

/** How long a device's certificate is good, in seconds: a year. */
const lifeSeconds = 365 * 24 * 60 * 60
/** Clocks of two devices may differ by this much, in seconds. */
const clockToleranceSeconds = 5 * 60

/** The org's root key vouches for a device (rules ID1, ID2). @param now seconds since 1970 */
export function certifyDevice(
  root: KeyPair,
  device: Pick<KeyPair, 'publicJwk' | 'thumbprint'>,
  holder: { readonly user: string; readonly role: Role },
  now: number,
): Promise<string> {
  return new SignJWT({ cnf: { jwk: device.publicJwk }, user: holder.user, role: holder.role })
    .setProtectedHeader({ alg: 'EdDSA', typ: certificateType, jwk: root.publicJwk })
    .setIssuer(root.thumbprint)
    .setSubject(device.thumbprint)
    .setIssuedAt(now)
    .setExpirationTime(now + lifeSeconds)
    .sign(root.privateKey)
}

const readCertificates = new Map<string, CertificateClaims>()
/** How many verified certificates are remembered: those of a few peers. */
const rememberedCertificates = 200

/**
 * Reads a certificate that the org's root key signed. Undefined for any other. The caller checks whether it is good at a time (`isGoodAt`), because decisions
 * made while it was good stay valid.
 *
 * @param org whose certificate it must be
 */
export async function readCertificate(token: string, org: OrgId): Promise<CertificateClaims | undefined> {
  const known = readCertificates.get(token)
  if (known) return known.iss === org ? known : undefined
  try {
    const header = v.parse(certificateHeader, decodeProtectedHeader(token))
    await compactVerify(token, await importJWK(header.jwk, 'EdDSA'), { algorithms: ['EdDSA'] })
    const claims = v.parse(certificateClaims, decodeJwt(token))
    if (claims.iss !== (await calculateJwkThumbprint(header.jwk)) || claims.sub !== (await calculateJwkThumbprint(claims.cnf.jwk)))
      return undefined
    if (readCertificates.size >= rememberedCertificates) readCertificates.clear()
    readCertificates.set(token, claims)
    return claims.iss === org ? claims : undefined
  } catch {
    // Malformed or forged: the caller treats both alike.
    return undefined
  }
}

/** Whether a certificate was good at a time. @param time seconds since 1970 */
export function isGoodAt({ iat, exp }: CertificateClaims, time: number): boolean {
  return iat <= time + clockToleranceSeconds && time <= exp + clockToleranceSeconds
}

/** The certificate among these that certifies a device. */
export async function findCertificate(
  certificates: readonly string[],
  org: OrgId,
  device: DeviceId,
): Promise<CertificateClaims | undefined> {
  for (const token of certificates) {
    const claims = await readCertificate(token, org)
    if (claims?.sub === device) return claims
  }
  return undefined
}
