import {
  certificateClaims,
  certificateHeader,
  type CertificateClaims,
  certificateType,
  helloClaims,
  helloType,
  ProtocolError,
  protocolVersions,
  type PublicKey,
} from '@entente/protocol'
import { calculateJwkThumbprint, decodeProtectedHeader, importJWK, type JWTPayload, jwtVerify } from 'jose'
import * as v from 'valibot'
import type { Asked } from './message.js'

/** Clocks of devices and of the relay may differ by this much, in seconds. */
const clockToleranceSeconds = 5 * 60

/**
 * Who a device is, and the join token that it brings, from its hello (rules ID1 to ID4): the certificate is signed by the org's root key, whose thumbprint is the org's id; the
 * hello is signed by the device key that the certificate names, over the nonce of this very socket and a name of this relay.
 *
 * @throws ProtocolError AUTH where anything is off, always in the same words; VERSION where the device speaks none of the relay's versions
 */
export async function verifyHello(
  hello: Asked<'hello'>,
  nonce: Uint8Array,
  names: readonly string[],
): Promise<{ readonly certificate: CertificateClaims; readonly join: string | undefined }> {
  const certificate = await orAuth(() => readCertificate(hello.certificate))
  const claims = await orAuth(async () => {
    const payload = await verifyJwt(hello.token, certificate.cnf.jwk, helloType, names)
    const parsed = v.parse(helloClaims, payload)
    if (parsed.nonce !== Buffer.from(nonce).toString('base64url')) throw new Error('another nonce')
    return parsed
  })
  if (claims.version < protocolVersions.oldest || claims.version > protocolVersions.newest) {
    throw new ProtocolError('VERSION', `Protocol version ${claims.version} is not spoken here.`)
  }
  return { certificate, join: claims.join }
}

async function readCertificate(token: string): Promise<CertificateClaims> {
  const header = v.parse(certificateHeader, decodeProtectedHeader(token))
  const claims = v.parse(certificateClaims, await verifyJwt(token, header.jwk, certificateType))
  if (claims.iss !== (await calculateJwkThumbprint(header.jwk))) throw new Error('the issuer is another key')
  if (claims.sub !== (await calculateJwkThumbprint(claims.cnf.jwk))) throw new Error('the subject is another key')
  return claims
}

async function verifyJwt(token: string, key: PublicKey, type: string, audience?: readonly string[]): Promise<JWTPayload> {
  const { payload } = await jwtVerify(token, await importJWK(key, 'EdDSA'), {
    algorithms: ['EdDSA'],
    typ: type,
    clockTolerance: clockToleranceSeconds,
    requiredClaims: ['exp'],
    ...(audience ? { audience: [...audience] } : {}),
  })
  return payload
}

/** Which check failed is nobody's business but ours, and one answer for all tells an attacker nothing. */
async function orAuth<T>(check: () => Promise<T>): Promise<T> {
  try {
    return await check()
  } catch {
    throw new ProtocolError('AUTH', 'The hello or its certificate was not accepted; ask an admin of your org if this goes on.')
  }
}
