import { expand, extract } from '@noble/hashes/hkdf.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { type ConnectionId, type Key, mailboxIdOf, type MailboxId, type OrgId, parseKey, type Side } from '@entente/protocol'
import { fromBase64UrlEncoded, toBase64UrlEncoded } from 'lib0/buffer'
import { encodeUtf8 } from 'lib0/string'
import { encodeShort } from './short-text.js'

// HKDF-SHA256 derives every key from a secret, with a word of its own for each purpose (rules SE6 to SE9, OR1). Secrets are base64url. A rotation begins the next
// generation of a secret.

/** The generation with which every secret begins. */
export const generation = 0

/** A seal names its generation in one byte. */
export const highestGeneration = 255

/** What a connection's key seals. Docs have a key of their own, so that a page that may read mirrors cannot read messages too (rule SE6). */
export type Sealed = 'docs' | 'messages'

/**
 * The key of one direction of a connection, of its docs or its messages (control entries are messages).
 *
 * @param secret of generation 0 the one that both orgs share, of a later one what the side sends with
 */
export function connectionKey(secret: string, connection: ConnectionId, side: Side, sealed: Sealed, of: number = generation): Uint8Array {
  return derive(secret, connection, `${side} ${of} ${sealed}`)
}

/** The key of one direction of an invitation's mailbox, from the secret in its link. */
export function mailboxKey(secret: string, mailbox: MailboxId, side: Side): Uint8Array {
  return derive(secret, mailbox, `${side} mailbox`)
}

/** The key of an org's team feeds, from the org's own secret of that generation. */
export function teamKey(secret: string, org: OrgId, of: number = generation): Uint8Array {
  return derive(secret, org, `team ${of}`)
}

/** What an org sends with over a connection from a rotation on, from its own secret (rule RT4). Base64url. */
export function sendingSecret(own: string, connection: ConnectionId, of: number): string {
  return toBase64UrlEncoded(derive(own, connection, `sending ${of}`))
}

/** The secret half of the X25519 key with which an org receives over a connection from a rotation on, from its own secret (rule RT4). Base64url. */
export function receivingSecret(own: string, connection: ConnectionId, of: number): string {
  return toBase64UrlEncoded(derive(own, connection, `receiving ${of}`))
}

/** The key that only the org's own devices have, from the org's own secret of that generation: nonces under it show that an own device made a seal (rule OR1). */
export function originKey(secret: string, org: OrgId): Uint8Array {
  return derive(secret, org, 'origin')
}

/** The key of names that the relay must not understand: an org's of its own secret, a connection's of its shared one. It never rotates (rule SE9). */
export function namingKey(secret: string, salt: OrgId | ConnectionId): Uint8Array {
  return derive(secret, salt, 'naming')
}

/** The claim that the partner shows to the relay to get an invitation's mailbox. */
export function mailboxClaim(secret: string): Uint8Array {
  return derive(secret, '', 'claim')
}

/** The id of an invitation's mailbox: it follows from the claim (rule MB9). */
export function mailboxId(secret: string): MailboxId {
  return mailboxIdOf(claimHash(mailboxClaim(secret)))
}

/** The hash that the vendor leaves at the relay, so that it recognises the claim. */
export function claimHash(claim: Uint8Array): Uint8Array {
  return sha256(claim)
}

/** Names rows of the team feed so that the relay learns nothing of them (rule SE9). */
export class TeamNames {
  readonly #key: Uint8Array
  /** Each row is named when its doc is opened, and once more when what it changes is compared. */
  readonly #recent = new Map<string, Key>()

  constructor(secret: string, org: OrgId) {
    this.#key = namingKey(secret, org)
  }

  key(object: string, id: string): Key {
    const text = `row\n${object}\n${id}`
    let name = this.#recent.get(text)
    if (name === undefined) {
      if (this.#recent.size >= mostRecent) this.#recent.clear()
      this.#recent.set(text, (name = parseKey(nameOf(this.#key, text))))
    }
    return name
  }
}

const mostRecent = 1_000

/** A name of 22 characters, base64url, that tells nothing without the naming key. */
export function nameOf(key: Uint8Array, text: string): string {
  let keyed = keyedHashes.get(key)
  if (!keyed) keyedHashes.set(key, (keyed = hmac.create(sha256, key)))
  return toBase64UrlEncoded(keyed.clone().update(encodeShort(text)).digest().subarray(0, 16))
}

// Taking in the key is half of the work, and thousands of names are made with one.
const keyedHashes = new WeakMap<Uint8Array, ReturnType<typeof hmac.create>>()

function derive(secret: string, salt: string, purpose: string): Uint8Array {
  const random = extract(sha256, fromBase64UrlEncoded(secret), encodeUtf8(salt))
  return expand(sha256, random, encodeUtf8(`entente/1 ${purpose}`), 32)
}
