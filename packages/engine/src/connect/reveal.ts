import { expand, extract } from '@noble/hashes/hkdf.js'
import { sha256 } from '@noble/hashes/sha2.js'
import {
  type ConnectionId,
  exchangeKey,
  limits,
  type MailboxId,
  type OrgId,
  parseOrgId,
  type Role,
  roles,
  type Roster,
  type RosterDevice,
  rosterFeedOf,
  rosterKey,
} from '@entente/protocol'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { fromBase64UrlEncoded, toBase64UrlEncoded } from 'lib0/buffer'
import { encodeUtf8 } from 'lib0/string'
import * as v from 'valibot'
import type { EngineContext } from '../context.js'
import { EngineError } from '../error.js'
import { type DeviceLookup, verifyDecision } from '../identity/decision.js'
import { agree, createExchangeKey } from '../identity/keys.js'
import { beyond, leftOutOf, pathOf, readPath } from '../identity/roster.js'
import type { Rosters } from '../identity/rosters.js'
import type { ReplicaView } from '../replica/replica.js'
import type { Value } from '../schema/value.js'

// The reveals that both orgs exchange in the mailbox, each signed by the device of the admin who connects (rules CN2 to CN5).

const revealClaims = v.looseObject({
  iss: v.pipe(v.string(), v.transform(parseOrgId)),
  orgName: v.pipe(v.string(), v.minLength(1), v.maxLength(200)),
  /** The hash of the org's roster. */
  roster: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{43}$/)),
  /** X25519 public key, base64url; made for this connection alone. */
  exchange: exchangeKey,
  nonce: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{22}$/)),
  /** In the handshake of a device that joins an org: as whom (rule JN2). */
  joins: v.exactOptional(v.object({ name: v.pipe(v.string(), v.maxLength(200)), role: v.picklist(roles) })),
})

/** The person and the role for whom a device joins. */
export interface Joins {
  readonly name: string
  readonly role: Role
}

/** A peer's reveal whose rosters, signature and mailbox were verified. */
export interface Reveal {
  readonly org: OrgId
  readonly orgName: string
  /** The rosters of its org that are new here, the highest last. */
  readonly rosters: readonly Roster[]
  readonly exchange: string
  /** The device that signed it. */
  readonly device: RosterDevice
  /** Set where a device joins, by both. */
  readonly joins: Joins | undefined
}

export interface OwnReveal {
  /** X25519 private key, base64url. */
  readonly exchangeKey: string
  /** The signed reveal. */
  readonly jws: string
  /** The path to the roster that the reveal names, from one that the org's root key signed (rule RO7). */
  readonly rosters: readonly string[]
}

/** What travels: the signed reveal, and the rosters that prove who signed it. */
const revealMessage = v.object({ reveal: v.string(), rosters: v.array(v.string()) })

/** How many bytes of rosters travel beside a reveal: the rest of one sealed value is for the reveal. */
const rosterBytesBeside = limits.valueBytes - 8 * 1024

/** What a reveal is made with. */
export interface Revealing extends Pick<EngineContext, 'identity' | 'rosters' | 'random'> {
  readonly replica: Pick<ReplicaView, 'inbox'>
}

/**
 * The path that a reveal shows (rule RO7).
 *
 * @throws EngineError SIZE where it takes too much room, or leaves out too many
 */
export async function pathToShow({ identity, rosters, replica }: Omit<Revealing, 'random'>): Promise<readonly Roster[]> {
  const { org, device } = identity
  const [chain, read] = [await rosters.chain(org.id), replica.inbox(rosterFeedOf(org.id))]
  // Another may stand under the number of one that the relay does not have: whoever was shown this one would follow no other.
  const lastRead = chain.findLastIndex(({ number, token }) => read.get(rosterKey(number))?.body === token)
  // The one that made this device an admin's came to it from others, also where it has read nothing yet.
  const first = chain.findIndex(({ devices }) => devices.get(device)?.role === 'admin')
  const path = pathOf(chain.slice(0, Math.max(lastRead, first) + 1))
  if (leftOutOf(path) > limits.rostersLeftOut || path.reduce((sum, { token }) => sum + token.length + 4, 0) > rosterBytesBeside)
    throw new EngineError('SIZE', 'What proves the devices of your org is too long to be shown. Restore the org with its recovery kit.')
  return path
}

/**
 * @param joins in the handshake of a device that joins
 * @throws EngineError SIZE as `pathToShow`
 */
export async function makeReveal(context: Revealing, mailbox: MailboxId, joins?: Joins): Promise<OwnReveal> {
  const { identity, random } = context
  const exchange = await createExchangeKey(random)
  await identity.show()
  const path = await pathToShow(context)
  const jws = await identity.signDecision('reveal', {
    connection: mailbox,
    orgName: identity.org.name,
    roster: path.at(-1)?.hash,
    exchange: exchange.public,
    nonce: toBase64UrlEncoded(random(16)),
    ...(joins && { joins }),
  })
  return { exchangeKey: exchange.secret, jws, rosters: path.map(({ token }) => token) }
}

/** The message that shows a reveal. */
export function revealBody({ jws, rosters }: Pick<OwnReveal, 'jws' | 'rosters'>): Value {
  return { reveal: jws, rosters: [...rosters] }
}

/** The partner's commitment before it knows the vendor's reveal, so that neither side can choose its key by the code that results (rule CN3). */
export function commitTo(jws: string): string {
  return toBase64UrlEncoded(sha256(encodeUtf8(jws)))
}

/** The signed reveal in a message, not yet verified. Undefined for a message of another form. */
export function jwsOfReveal(body: Value | undefined): string | undefined {
  const parsed = v.safeParse(revealMessage, body)
  return parsed.success ? parsed.output.reveal : undefined
}

/** The hash of the roster that an own reveal names. */
export function rosterOf(jws: string): string | undefined {
  return readClaims(jws)?.roster
}

/**
 * @param known what is known here of the rosters of other orgs
 * @returns undefined where the reveal is not signed by an admin's device on the roster that comes with it, of the org that it names, for this mailbox; or where that
 *   roster does not follow from the one that is known here
 */
export async function readReveal(
  body: Value | undefined,
  mailbox: MailboxId,
  known: Pick<Rosters, 'highest'>,
): Promise<Reveal | undefined> {
  const parsed = v.safeParse(revealMessage, body)
  const claims = parsed.success ? readClaims(parsed.output.reveal) : undefined
  if (!parsed.success || !claims) return undefined
  const { iss: org, orgName, exchange, joins } = claims
  const path = await readPath(parsed.output.rosters, org)
  const present = await known.highest(org)
  const rosters = path && beyond(path, present)
  if (!rosters || path.at(-1)?.hash !== claims.roster) return undefined
  const highest = rosters.at(-1) ?? present
  if (!highest) return undefined
  const devices: DeviceLookup = { device: async (_, id) => highest.devices.get(id) }
  const verified = await verifyDecision(parsed.output.reveal, 'reveal', devices, { org, connection: mailbox, role: 'admin' })
  const device = verified.ok ? highest.devices.get(verified.device) : undefined
  return device && { org, orgName, rosters, exchange, device, joins }
}

function readClaims(jws: string): v.InferOutput<typeof revealClaims> | undefined {
  try {
    decodeProtectedHeader(jws)
    return v.parse(revealClaims, decodeJwt(jws))
  } catch {
    return undefined
  }
}

/**
 * The secret of the connection, base64url: only the two who made the X25519 keys can compute it. Undefined for a key of low order, with which anyone
 * could (rule CN9; RFC 7748, section 6.1).
 */
export async function sharedSecret(ownExchange: string, peerExchange: string, connection: ConnectionId): Promise<string | undefined> {
  const shared = await agree(ownExchange, peerExchange)
  return (
    shared && toBase64UrlEncoded(expand(sha256, extract(sha256, shared, encodeUtf8(connection)), encodeUtf8('entente/1 connection'), 32))
  )
}

/** The hash of everything that both sides revealed, base64url: what an admin confirms by comparing its first digits (rules CN4, CN10). */
export function transcriptOf(vendorReveal: string, partnerReveal: string): string {
  return toBase64UrlEncoded(sha256(encodeUtf8(`entente/1 code\n${vendorReveal}\n${partnerReveal}`)))
}

/** The code that both screens show for a transcript, such as "1234 5678 9012" (rule CN4). */
export function codeOf(transcript: string): string {
  const hash = fromBase64UrlEncoded(transcript)
  const number = new DataView(hash.buffer, hash.byteOffset).getBigUint64(0) % 1_000_000_000_000n
  return number
    .toString()
    .padStart(12, '0')
    .replace(/(\d{4})(?=\d)/g, '$1 ')
}
