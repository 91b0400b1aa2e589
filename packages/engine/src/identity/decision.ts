import {
  type ConnectionId,
  type DeviceId,
  limits,
  type MailboxId,
  type OrgId,
  parseConnectionId,
  parseDeviceId,
  parsedText,
  parseOrgId,
} from '@entente/protocol'
import { compactVerify, CompactSign, decodeProtectedHeader, importJWK } from 'jose'
import { decodeUtf8, encodeUtf8 } from 'lib0/string'
import { instantSeconds } from '../schema/numbers.js'
import * as v from 'valibot'
import { findCertificate, isGoodAt, type KeyPair } from './certificate.js'

// A decision is a compact JWS by the device of the person who decided, with that device named in `kid` and its certificate beside it, so that a renewed
// certificate or a new device needs no introduction. Each side keeps what the other signed, and can show later who agreed to what (rule SD1).

const decisionClaims = v.looseObject({
  iss: parsedText(parseOrgId),
  by: v.pipe(v.string(), v.minLength(1), v.maxLength(200)),
  iat: instantSeconds,
  connection: parsedText(parseConnectionId),
})

/** What every decision says beside its own terms: the org, the person, when (seconds since 1970), and over which connection. */
export type Decision = v.InferOutput<typeof decisionClaims>

export interface DecisionPeer {
  readonly org: OrgId
  /** Certificates of the org's devices that are known here, for decisions that bring none. */
  readonly certificates: readonly string[]
  /** Devices whose decisions count no longer. */
  readonly revoked?: readonly string[]
}

export interface DecisionRequirement {
  /** The connection, or the mailbox in which it begins. */
  readonly connection: ConnectionId | MailboxId
  /** Who may decide this; anyone of the org where not said. */
  readonly role?: 'admin'
}

export type VerifiedDecision =
  | { readonly ok: true; readonly decision: Decision; readonly device: DeviceId }
  | { readonly ok: false; readonly reason: string }

/** The JOSE type of a kind of decision, so that one cannot stand in for another. */
export const decisionType = (type: string): string => `entente-${type}+jwt`

/** @param certificate of the device, put into the header */
export function signDecision(device: KeyPair, type: string, claims: object, certificate?: string): Promise<string> {
  return new CompactSign(encodeUtf8(JSON.stringify(claims)))
    .setProtectedHeader({ alg: 'EdDSA', typ: decisionType(type), kid: device.thumbprint, ...(certificate && { certificate }) })
    .sign(device.privateKey)
}

/**
 * Verifies what a peer signed (rule SD2): by a device that its org certified and did not revoke, in the role that this takes, for this connection, and
 * as this type. The reason of a refusal names no value.
 */
export async function verifyDecision(
  jws: string,
  type: string,
  peer: DecisionPeer,
  requirement: DecisionRequirement,
): Promise<VerifiedDecision> {
  const header = readHeader(jws)
  if (!header || header.typ !== decisionType(type)) return refuse('it is not a decision of this kind')
  if (peer.revoked?.includes(header.kid)) return refuse('the device that signed it was revoked')
  const brought = header.certificate === undefined ? [] : [header.certificate]
  const certificate = await findCertificate([...brought, ...peer.certificates], peer.org, header.kid)
  if (!certificate) return refuse('the device that signed it is not certified by its org')
  if (requirement.role === 'admin' && certificate.role !== 'admin') return refuse('the device that signed it is not an admin’s')
  const content = await readContent(jws, await importJWK(certificate.cnf.jwk, 'EdDSA'))
  const parsed = v.safeParse(decisionClaims, content)
  if (!parsed.success) return refuse('its signature or its form is wrong')
  const decision = parsed.output
  if (decision.iss !== peer.org) return refuse('it is of another org')
  // Grants are given to people: a device speaks only for the person whom its org certified it to.
  if (decision.by !== certificate.user) return refuse('the device that signed it belongs to another person')
  if (!isGoodAt(certificate, decision.iat)) return refuse('the certificate of the device that signed it was not good at that time')
  const over: string = decision.connection
  if (over !== requirement.connection) return refuse('it is of another connection')
  return { ok: true, decision, device: header.kid }
}

const headerShape = v.object({
  alg: v.literal('EdDSA'),
  typ: v.string(),
  kid: v.pipe(v.string(), v.transform(parseDeviceId)),
  certificate: v.optional(v.pipe(v.string(), v.maxLength(limits.tokenBytes))),
})

function readHeader(jws: string): v.InferOutput<typeof headerShape> | undefined {
  try {
    return v.parse(headerShape, decodeProtectedHeader(jws))
  } catch {
    return undefined
  }
}

async function readContent(jws: string, key: Parameters<typeof compactVerify>[1]): Promise<unknown> {
  try {
    const { payload } = await compactVerify(jws, key, { algorithms: ['EdDSA'] })
    return JSON.parse(decodeUtf8(payload))
  } catch {
    return undefined
  }
}

function refuse(reason: string): VerifiedDecision {
  return { ok: false, reason }
}
