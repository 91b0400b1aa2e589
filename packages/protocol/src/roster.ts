import { fromBase64UrlEncoded, toBase64UrlEncoded } from 'lib0/buffer'
import { sha256 } from '@noble/hashes/sha2.js'
import { decodeUtf8, encodeUtf8 } from 'lib0/string'
import * as v from 'valibot'
import { ProtocolError } from './error.js'
import { type DeviceId, type Key, type OrgId, parseDeviceId, parseKey, parseOrgId } from './id.js'
import { limits } from './limits.js'
import { hasClearTop, isSoundKey } from './sound-key.js'
import { stampBounds } from './stamp.js'

// A roster is a compact JWS that lists the devices of an org (rules RO1, RO2 and RO5). This file decodes one and says who must have signed it. Engine and relay
// verify the signature.

/** The JOSE type of a roster. */
export const rosterType = 'entente-roster+jwt'

/** What a person's device may do for its org: an admin decides, a member works, an agent carries out. */
export const roles = ['admin', 'member', 'agent'] as const
export type Role = (typeof roles)[number]

/** The highest number of a roster. */
const highestNumber = 2 ** 31 - 1

/** 32 bytes in the one spelling that base64url has for them: the unused bits of the last character are zero. */
export const bytes32 = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/))
/** A public key of Ed25519 that proves something, in its one spelling (rule RO2), base64url. */
const signingKey = v.pipe(bytes32, v.check(isSoundKey))
/** A public key of X25519 that protects something, likewise (rules RO2, HP3). */
export const exchangeKey = v.pipe(signingKey, v.check(hasClearTop))

/** An Ed25519 public key as a JWK (RFC 8037). */
export const publicKey = v.object({ kty: v.literal('OKP'), crv: v.literal('Ed25519'), x: signingKey })
export type PublicKey = v.InferOutput<typeof publicKey>

/** One device as the claims of a roster name it: its Ed25519 signing key and its X25519 exchange key (both base64url), its person and role. */
const listedDevice = v.object({
  key: signingKey,
  exchange: exchangeKey,
  person: v.pipe(v.string(), v.minLength(1), v.maxLength(64)),
  role: v.picklist(roles),
})
export type ListedDevice = v.InferOutput<typeof listedDevice>

/**
 * The claims of a roster. `previous` is the hash of roster `number - 1`, and absent from the first one. `time` is when it was signed, in ms since 1970: for
 * people to read, and decisive for nothing.
 */
const rosterClaims = v.object({
  org: v.pipe(v.string(), v.transform(parseOrgId)),
  number: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(highestNumber)),
  previous: v.exactOptional(bytes32),
  time: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(stampBounds.time - 1)),
  devices: v.pipe(v.array(listedDevice), v.maxLength(limits.devicesPerOrg)),
})
export type RosterClaims = v.InferOutput<typeof rosterClaims>

const rosterHeader = v.union([
  v.strictObject({ alg: v.literal('EdDSA'), typ: v.literal(rosterType), jwk: publicKey }),
  v.strictObject({ alg: v.literal('EdDSA'), typ: v.literal(rosterType), kid: v.pipe(v.string(), v.transform(parseDeviceId)) }),
])

/** A device on a roster. */
export interface RosterDevice extends ListedDevice {
  readonly id: DeviceId
}

/** A decoded roster. Its form is right (rule RO2); whether its signature is right has yet to be verified. */
export interface Roster {
  /** The compact JWS. */
  readonly token: string
  /** SHA-256 over the JWS without its signature, base64url: what the next roster names as `previous`. */
  readonly hash: string
  readonly org: OrgId
  readonly number: number
  readonly previous: string | undefined
  /** Milliseconds since 1970. */
  readonly time: number
  /** The org's root key, or the device that signed it. */
  readonly signer: { readonly root: PublicKey } | { readonly device: DeviceId }
  readonly devices: ReadonlyMap<DeviceId, RosterDevice>
}

/** The reserved key of a roster in messages feeds (rule RO5). */
export function rosterKey(number: number): Key {
  return parseKey(`roster.${number}`)
}

/**
 * The number of the roster that a reserved key names, or undefined for another key.
 *
 * @throws ProtocolError FIELD for a reserved key that names no number
 */
export function rosterNumber(key: Key): number | undefined {
  if (!key.startsWith('roster.')) return undefined
  const digits = key.slice('roster.'.length)
  const number = Number(digits)
  if (!/^[1-9][0-9]{0,9}$/.test(digits) || number > highestNumber) throw new ProtocolError('FIELD', 'The key of a roster names no number.')
  return number
}

/** The id of the org or device that has an Ed25519 public key: its RFC 7638 thumbprint. @param x the key, base64url */
export function thumbprintOf(x: string): string {
  return hashOf(`{"crv":"Ed25519","kty":"OKP","x":"${x}"}`)
}

/**
 * Decodes a roster (rule RO2).
 *
 * @param before a decoded roster that names most of the same devices: their ids are taken from it, as to hash each key is most of the work
 * @throws ProtocolError FRAME for a text of another form, or a roster without an admin, with one key twice, with a key of small order or in a second spelling, or whose root key is
 * not the org's; SIZE for one that is too large
 */
export function decodeRoster(token: string, before?: Roster): Roster {
  if (token.length > limits.rosterBytes) throw new ProtocolError('SIZE', `A roster has at most ${limits.rosterBytes} bytes.`)
  const [head, body, signature, ...rest] = token.split('.')
  const header = v.safeParse(rosterHeader, readPart(head))
  const claims = v.safeParse(rosterClaims, readPart(body))
  if (!header.success || !claims.success || !signature || rest.length > 0) throw new ProtocolError('FRAME', 'A roster has another form.')
  const { org, number, previous, time } = claims.output
  const idsByKey = new Map([...(before?.devices.values() ?? [])].map(({ key, id }) => [key, id]))
  const devices = new Map<DeviceId, RosterDevice>()
  for (const device of claims.output.devices) {
    const id = idsByKey.get(device.key) ?? parseDeviceId(thumbprintOf(device.key))
    devices.set(id, { id, ...device })
  }
  const listed = [...devices.values()]
  const isOnce = devices.size === claims.output.devices.length && new Set(listed.map(({ exchange }) => exchange)).size === listed.length
  if (!isOnce) throw new ProtocolError('FRAME', 'A roster names a key twice.')
  if (!listed.some(({ role }) => role === 'admin')) throw new ProtocolError('FRAME', 'A roster names no admin.')
  const signer = 'jwk' in header.output ? { root: header.output.jwk } : { device: header.output.kid }
  if ('root' in signer && thumbprintOf(signer.root.x) !== org)
    throw new ProtocolError('FRAME', 'A roster names a root key that is not its org’s.')
  if ('device' in signer ? previous === undefined : (number === 1) !== (previous === undefined))
    throw new ProtocolError('FRAME', 'A roster names the one before it, except the first.')
  return { token, hash: hashOf(`${head}.${body}`), org, number, previous, time, signer, devices }
}

/**
 * The key that must have signed a roster for it to follow the highest one known (rule RO1): the org's root key, or the key of an admin's device on the roster
 * that it names as the one before it.
 *
 * @param before the highest verified roster of the org, or undefined where none is known
 * @param isPath whether rosters between the two may be left out (rule RO7)
 * @throws ProtocolError AUTH for a roster that does not follow, whoever signed it
 */
export function signingKeyOf(roster: Roster, before: Roster | undefined, isPath = false): PublicKey {
  if (before && (roster.org !== before.org || roster.number <= before.number)) return doesNotFollow()
  if (before && roster.number === before.number + 1 && roster.previous !== before.hash) return doesNotFollow()
  if ('root' in roster.signer) return roster.signer.root
  const follows = before && roster.number - before.number <= (isPath ? limits.rostersLeftOut : 0) + 1
  const signer = follows ? before.devices.get(roster.signer.device) : undefined
  return signer?.role === 'admin' ? toPublicKey(signer.key) : doesNotFollow()
}

/** @param x an Ed25519 public key, base64url */
export function toPublicKey(x: string): PublicKey {
  return { kty: 'OKP', crv: 'Ed25519', x }
}

function doesNotFollow(): never {
  throw new ProtocolError('AUTH', 'A roster does not follow the one before it, or no admin of that one signed it.')
}

function hashOf(text: string): string {
  return toBase64UrlEncoded(sha256(encodeUtf8(text)))
}

function readPart(part: string | undefined): unknown {
  try {
    return JSON.parse(decodeUtf8(fromBase64UrlEncoded(part ?? '')))
  } catch {
    return undefined
  }
}
