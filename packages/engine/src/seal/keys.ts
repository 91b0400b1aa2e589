import { expand, extract } from '@noble/hashes/hkdf.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { type ConnectionId, type Key, type OrgId, parseConnectionId, parseKey, type Side } from '@entente/protocol'
import { fromBase64UrlEncoded, toBase64UrlEncoded } from 'lib0/buffer'
import { encodeUtf8 } from 'lib0/string'

// HKDF-SHA256 derives every key from a secret, with a word of its own for each purpose (rules SE6 to SE9). Rows hold secrets as base64url.

/** The key of one direction of a connection under one version of its agreement. */
export function docKey(secret: string, connection: ConnectionId, side: Side, version: number): Uint8Array {
  return derive(fromBase64UrlEncoded(secret), connection, `${side} ${version}`)
}

/** The key of one direction of a connection's messages. */
export function messagesKey(secret: string, connection: ConnectionId, side: Side): Uint8Array {
  return derive(fromBase64UrlEncoded(secret), connection, `${side} messages`)
}

/** The key of one direction of an invitation's mailbox, from the secret in its link. */
export function mailboxKey(secret: string, mailbox: ConnectionId, side: Side): Uint8Array {
  return derive(fromBase64UrlEncoded(secret), mailbox, `${side} mailbox`)
}

/** The key of an org's team feeds. */
export function teamKey(secret: string, org: OrgId): Uint8Array {
  return derive(fromBase64UrlEncoded(secret), org, 'team')
}

/** The id of an invitation's mailbox. */
export function mailboxId(secret: string): ConnectionId {
  return parseConnectionId(toBase64UrlEncoded(derive(fromBase64UrlEncoded(secret), '', 'mailbox').subarray(0, 16)))
}

/** The claim that the partner shows to the relay to get the mailbox. */
export function mailboxClaim(secret: string, mailbox: ConnectionId): Uint8Array {
  return derive(fromBase64UrlEncoded(secret), mailbox, 'claim')
}

/** The hash that the vendor leaves at the relay, so that it recognises the claim. */
export function claimHash(claim: Uint8Array): Uint8Array {
  return sha256(claim)
}

/** Names rows and fields of the team feed so that the relay learns neither (rule SE9). One org's names, remembered. */
export class TeamNames {
  readonly #key: Uint8Array
  readonly #slots = new Map<string, string>()

  constructor(secret: string) {
    this.#key = fromBase64UrlEncoded(secret)
  }

  key(object: string, id: string): Key {
    return parseKey(this.#name(`row\n${object}\n${id}`))
  }

  slot(field: string): string {
    let slot = this.#slots.get(field)
    if (slot === undefined) this.#slots.set(field, (slot = this.#name(`field\n${field}`)))
    return slot
  }

  #name(text: string): string {
    return toBase64UrlEncoded(hmac(sha256, this.#key, encodeUtf8(text)).subarray(0, 16))
  }
}

function derive(secret: Uint8Array, salt: string, purpose: string): Uint8Array {
  const random = extract(sha256, secret, encodeUtf8(salt))
  return expand(sha256, random, encodeUtf8(`entente/1 ${purpose}`), 32)
}
