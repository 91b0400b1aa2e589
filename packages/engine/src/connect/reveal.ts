import { x25519 } from '@noble/curves/ed25519.js'
import { expand, extract } from '@noble/hashes/hkdf.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { type ConnectionId, type MailboxId, type OrgId, parseOrgId } from '@entente/protocol'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { fromBase64UrlEncoded, toBase64UrlEncoded } from 'lib0/buffer'
import { encodeUtf8 } from 'lib0/string'
import * as v from 'valibot'
import { verifyDecision } from '../identity/decision.js'
import type { Identity } from '../identity/identity.js'
import type { RandomBytes } from '../port/random.js'

// The reveals that both orgs exchange in the mailbox, each signed by the device of the admin who connects (rules CN2 to CN5).

const revealClaims = v.looseObject({
  iss: v.pipe(v.string(), v.transform(parseOrgId)),
  orgName: v.pipe(v.string(), v.minLength(1), v.maxLength(200)),
  certificate: v.pipe(v.string(), v.maxLength(8_192)),
  /** X25519 public key, base64url; made for this connection alone. */
  exchange: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{43}$/)),
  nonce: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{22}$/)),
})

/** A peer's reveal whose signature, certificate and mailbox were verified. */
export interface Reveal {
  readonly org: OrgId
  readonly orgName: string
  readonly certificate: string
  readonly exchange: string
}

export interface OwnReveal {
  /** X25519 private key, base64url. */
  readonly exchangeKey: string
  /** The signed reveal. */
  readonly jws: string
}

export async function makeReveal(identity: Identity, mailbox: MailboxId, random: RandomBytes): Promise<OwnReveal> {
  const secret = random(32)
  const jws = await identity.signDecision('reveal', {
    connection: mailbox,
    orgName: identity.org.name,
    certificate: identity.certificate,
    exchange: toBase64UrlEncoded(x25519.getPublicKey(secret)),
    nonce: toBase64UrlEncoded(random(16)),
  })
  return { exchangeKey: toBase64UrlEncoded(secret), jws }
}

/** The partner's commitment before it knows the vendor's reveal, so that neither side can choose its key by the code that results (rule CN3). */
export function commitTo(jws: string): string {
  return toBase64UrlEncoded(sha256(encodeUtf8(jws)))
}

/** @returns undefined where the reveal is not signed by an admin's device of the org that it names, for this mailbox */
export async function readReveal(jws: string, mailbox: MailboxId): Promise<Reveal | undefined> {
  const claims = readClaims(jws)
  if (!claims) return undefined
  const { iss: org, orgName, certificate, exchange } = claims
  const verified = await verifyDecision(jws, 'reveal', { org, certificates: [certificate] }, { connection: mailbox, role: 'admin' })
  return verified.ok ? { org, orgName, certificate, exchange } : undefined
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
export function sharedSecret(exchangeKey: string, peerExchange: string, connection: ConnectionId): string | undefined {
  let shared: Uint8Array
  try {
    shared = x25519.getSharedSecret(fromBase64UrlEncoded(exchangeKey), fromBase64UrlEncoded(peerExchange))
  } catch {
    return undefined
  }
  return toBase64UrlEncoded(expand(sha256, extract(sha256, shared, encodeUtf8(connection)), encodeUtf8('entente/1 connection'), 32))
}

/** The code that both screens show, such as "1234 5678 9012", over everything that both sides revealed (rule CN4). */
export function shortCode(vendorReveal: string, partnerReveal: string): string {
  const hash = sha256(encodeUtf8(`entente/1 code\n${vendorReveal}\n${partnerReveal}`))
  const number = new DataView(hash.buffer, hash.byteOffset).getBigUint64(0) % 1_000_000_000_000n
  return number
    .toString()
    .padStart(12, '0')
    .replace(/(\d{4})(?=\d)/g, '$1 ')
}
