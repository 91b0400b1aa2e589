import {
  type ConnectionId,
  type DeviceId,
  type HeadClaims,
  headClaims,
  headType,
  type MailboxId,
  type OrgId,
  parseConnectionId,
  parseDeviceId,
  parsedText,
  parseOrgId,
  type RosterDevice,
  toPublicKey,
} from '@entente/protocol'
import { compactVerify, CompactSign, decodeProtectedHeader, importJWK } from 'jose'
import { decodeUtf8, encodeUtf8 } from 'lib0/string'
import { instantSeconds } from '../schema/numbers.js'
import * as v from 'valibot'
import type { KeyPair } from './keys.js'

// A decision is a compact JWS by the device of the person who decided, with that device named in `kid`. The roster of its org says whose device that is. Each side
// keeps what the other signed, and can show later who agreed to what (rule SD1).

const decisionClaims = v.looseObject({
  iss: parsedText(parseOrgId),
  by: v.pipe(v.string(), v.minLength(1), v.maxLength(200)),
  iat: instantSeconds,
  connection: parsedText(parseConnectionId),
})

/** What every decision says beside its own terms: the org, the person, when (seconds since 1970), and over which connection. */
export type Decision = v.InferOutput<typeof decisionClaims>

/** Whose devices count: those of an org, by the highest roster that is known here. `Rosters` is one. */
export interface DeviceLookup {
  device(org: OrgId, device: DeviceId): Promise<RosterDevice | undefined>
}

export interface DecisionRequirement {
  /** The org that must have decided. */
  readonly org: OrgId
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

export function signDecision(device: KeyPair, type: string, claims: object): Promise<string> {
  return signText(device, type, JSON.stringify(claims))
}

export function signText(device: KeyPair, type: string, text: string): Promise<string> {
  return new CompactSign(encodeUtf8(text))
    .setProtectedHeader({ alg: 'EdDSA', typ: decisionType(type), kid: device.thumbprint })
    .sign(device.privateKey)
}

/**
 * Verifies what a peer signed (rule SD2): by a device on its org's roster, in the role that this takes, for this connection, and as this type. The reason of a
 * refusal names no value.
 */
export async function verifyDecision(
  jws: string,
  type: string,
  devices: DeviceLookup,
  requirement: DecisionRequirement,
): Promise<VerifiedDecision> {
  const header = readHeader(jws)
  if (!header || header.typ !== decisionType(type)) return refuse('it is not a decision of this kind')
  const device = await devices.device(requirement.org, header.kid)
  if (!device) return refuse('the device that signed it is not on the roster of its org')
  if (requirement.role === 'admin' && device.role !== 'admin') return refuse('the device that signed it is not an admin’s')
  const parsed = v.safeParse(decisionClaims, await readContent(jws, device))
  if (!parsed.success) return refuse('its signature or its form is wrong')
  const decision = parsed.output
  if (decision.iss !== requirement.org) return refuse('it is of another org')
  // Grants are given to people: a device speaks only for the person whose it is.
  if (decision.by !== device.person) return refuse('the device that signed it belongs to another person')
  const over: string = decision.connection
  if (over !== requirement.connection) return refuse('it is of another connection')
  return { ok: true, decision, device: header.kid }
}

const headerShape = v.object({
  alg: v.literal('EdDSA'),
  typ: v.string(),
  kid: v.pipe(v.string(), v.transform(parseDeviceId)),
})

function readHeader(jws: string): v.InferOutput<typeof headerShape> | undefined {
  try {
    return v.parse(headerShape, decodeProtectedHeader(jws))
  } catch {
    return undefined
  }
}

/**
 * Verifies the head of a feed, which any device on the roster of the feed's org may sign (rule HD2).
 *
 * @returns its claims; undefined where its form or its signature is wrong, and `stranger` where no roster known here names its signer
 */
export async function verifyHead(jws: string, org: OrgId, devices: DeviceLookup): Promise<HeadClaims | 'stranger' | undefined> {
  const header = readHeader(jws)
  if (header?.typ !== headType) return undefined
  const device = await devices.device(org, header.kid)
  if (!device) return 'stranger'
  const parsed = v.safeParse(headClaims, await readContent(jws, device))
  return parsed.success ? parsed.output : undefined
}

async function readContent(jws: string, { key }: RosterDevice): Promise<unknown> {
  try {
    const { payload } = await compactVerify(jws, await importJWK(toPublicKey(key), 'EdDSA'), { algorithms: ['EdDSA'] })
    return JSON.parse(decodeUtf8(payload))
  } catch {
    return undefined
  }
}

function refuse(reason: string): VerifiedDecision {
  return { ok: false, reason }
}
