import {
  bytes32,
  type DeviceId,
  limits,
  type OrgId,
  parseDeviceId,
  parsedText,
  parseOrgId,
  ProtocolError,
  type Roster,
  exchangeKey,
  toPublicKey,
} from '@entente/protocol'
import { CompactSign, compactVerify, decodeProtectedHeader, importJWK } from 'jose'
import { fromBase64UrlEncoded, toBase64UrlEncoded } from 'lib0/buffer'
import { decodeUtf8, encodeUtf8 } from 'lib0/string'
import * as v from 'valibot'
import { instant } from '../schema/numbers.js'
import { highestGeneration } from '../seal/keys.js'
import { openFrom, sealInfo, sealTo } from '../seal/seal-to-device.js'
import type { ExchangeKey, KeyPair } from './keys.js'

// When a device is removed, and on demand, the org's own secret gets a next generation. An admin's device draws it, seals it to each device of the roster and to the
// recovery kit, and signs that (rules RT1 to RT3).

/** The JOSE type of an org's rotation. */
export const ownRotationType = 'entente-own-rotation+jwt'

/** A generation that a rotation begins. */
export const laterGeneration = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(highestGeneration))

/** A secret of 32 bytes that is sealed to a key: 80 bytes, base64url, in their one spelling. */
export const sealedSecret = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{106}[AEIMQUYcgkosw048]$/))

const ownRotationClaims = v.object({
  org: parsedText(parseOrgId),
  generation: laterGeneration,
  /** The hash of the roster to whose devices the secret is sealed. */
  roster: bytes32,
  /** When it was signed, milliseconds since 1970. It decides nothing. */
  time: instant,
  /** One for each device of the roster, in its order. */
  sealed: v.pipe(v.array(sealedSecret), v.minLength(1), v.maxLength(limits.devicesPerOrg)),
  /** The recovery kit's key, and what is sealed to it. Absent while the org has no kit. */
  kit: v.exactOptional(v.object({ key: exchangeKey, sealed: sealedSecret })),
})
export type OwnRotationClaims = v.InferOutput<typeof ownRotationClaims>

const header = v.strictObject({ alg: v.literal('EdDSA'), typ: v.literal(ownRotationType), kid: parsedText(parseDeviceId) })

/** A decoded rotation. Its form is right; whether an admin of the roster signed it has yet to be verified. */
export interface OwnRotation extends OwnRotationClaims {
  readonly token: string
  readonly signer: DeviceId
}

/** A rotation that an admin's device on the roster that it names has signed. */
export interface VerifiedOwnRotation extends OwnRotation {
  readonly on: Roster
}

export interface OwnRotationOptions {
  readonly generation: number
  /** The next own secret: 32 random bytes, base64url. */
  readonly secret: string
  /** The highest roster: after a removal the one without the removed device. */
  readonly roster: Roster
  /** The public half of the recovery kit's key, base64url. */
  readonly kit?: string
  /** Milliseconds since 1970. */
  readonly time: number
}

/** Seals the next own secret to each device of a roster and to the kit, and signs it as an admin's device. @throws EngineError INVALID for a kit's key that protects nothing */
export async function signOwnRotation(options: OwnRotationOptions, device: KeyPair): Promise<string> {
  const { generation, secret, roster, kit, time } = options
  const seal = async (key: string): Promise<string> =>
    toBase64UrlEncoded(await sealTo(key, infoOf(roster.org, generation), encodeUtf8(roster.hash), fromBase64UrlEncoded(secret)))
  const claims: OwnRotationClaims = {
    org: roster.org,
    generation,
    roster: roster.hash,
    time,
    sealed: await Promise.all([...roster.devices.values()].map(({ exchange }) => seal(exchange))),
    ...(kit !== undefined && { kit: { key: kit, sealed: await seal(kit) } }),
  }
  return new CompactSign(encodeUtf8(JSON.stringify(claims)))
    .setProtectedHeader({ alg: 'EdDSA', typ: ownRotationType, kid: device.thumbprint })
    .sign(device.privateKey)
}

/** Decodes an org's rotation (rule RT2). @throws ProtocolError SIZE for one that is too large, FRAME for a text of another form */
export function decodeOwnRotation(token: string): OwnRotation {
  if (token.length > limits.rosterBytes) throw new ProtocolError('SIZE', `A rotation has at most ${limits.rosterBytes} bytes.`)
  try {
    const { kid } = v.parse(header, decodeProtectedHeader(token))
    const [, body = ''] = token.split('.')
    return { ...v.parse(ownRotationClaims, JSON.parse(decodeUtf8(fromBase64UrlEncoded(body)))), token, signer: kid }
  } catch {
    throw new ProtocolError('FRAME', 'A rotation has another form.')
  }
}

/**
 * Reads an org's rotation and verifies who signed it, and that it is sealed to the devices of the roster that it names (rule RT2).
 *
 * @param rosters those of the org, verified
 * @returns undefined for one that does not count
 */
export async function readOwnRotation(token: string, org: OrgId, rosters: readonly Roster[]): Promise<VerifiedOwnRotation | undefined> {
  try {
    const rotation = decodeOwnRotation(token)
    const on = rosters.find(({ hash }) => hash === rotation.roster)
    const signer = on?.devices.get(rotation.signer)
    if (rotation.org !== org || on?.org !== org || signer?.role !== 'admin' || on.devices.size !== rotation.sealed.length) return undefined
    await compactVerify(token, await importJWK(toPublicKey(signer.key), 'EdDSA'), { algorithms: ['EdDSA'] })
    return { ...rotation, on }
  } catch (error) {
    if (error instanceof ProtocolError || (error instanceof Error && 'code' in error)) return undefined
    throw error
  }
}

/**
 * Which of two rotations of one generation counts: the one that names the higher roster, else the one whose text is lower (rule RT3). So an admin who was removed
 * cannot put one of its own in the place of the one that removed it, and after a loss all devices agree.
 */
export function prevailing(known: VerifiedOwnRotation | undefined, arrived: VerifiedOwnRotation): VerifiedOwnRotation {
  if (!known || known.on.number < arrived.on.number) return arrived
  return known.on.number === arrived.on.number && arrived.token < known.token ? arrived : known
}

/** The org's own secret of a rotation, base64url, by a device's exchange key. Undefined where the device is not on the roster, or the seal does not open. */
export async function openOwnRotation(rotation: VerifiedOwnRotation, device: DeviceId, key: ExchangeKey): Promise<string | undefined> {
  const index = [...rotation.on.devices.keys()].indexOf(device)
  return openSealed(rotation, key, rotation.sealed[index])
}

/** The same by the key of the recovery kit. */
export function openOwnRotationByKit(rotation: VerifiedOwnRotation, key: ExchangeKey): Promise<string | undefined> {
  return openSealed(rotation, key, rotation.kit?.sealed)
}

async function openSealed(
  { org, generation, roster }: VerifiedOwnRotation,
  key: ExchangeKey,
  sealed: string | undefined,
): Promise<string | undefined> {
  if (sealed === undefined) return undefined
  const opened = await openFrom(key, infoOf(org, generation), encodeUtf8(roster), fromBase64UrlEncoded(sealed))
  return opened?.length === 32 ? toBase64UrlEncoded(opened) : undefined
}

function infoOf(org: OrgId, generation: number): Uint8Array {
  return sealInfo({ purpose: 'own secret', of: org, generation })
}
