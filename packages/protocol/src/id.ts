import { toBase64UrlEncoded } from 'lib0/buffer'
import { sha256 } from '@noble/hashes/sha2.js'
import { encodeUtf8 } from 'lib0/string'
import { ProtocolError } from './error.js'

declare const brand: unique symbol
type Branded<Name extends string> = string & { readonly [brand]: Name }

/** An org's id: the RFC 7638 thumbprint (SHA-256, base64url) of its Ed25519 root key. */
export type OrgId = Branded<'OrgId'>
/** A device's id: the RFC 7638 thumbprint (SHA-256, base64url) of its Ed25519 key. */
export type DeviceId = Branded<'DeviceId'>
/** The id of a connection (see `connectionId`): 128 bits in base64url. */
export type ConnectionId = Branded<'ConnectionId'>
/** The id of an invitation's mailbox (see `mailboxIdOf`): 128 bits in base64url. */
export type MailboxId = Branded<'MailboxId'>
/** The key of an entry in its feed. It is opaque to the relay, except for the reserved keys of control entries. */
export type Key = Branded<'Key'>

const thumbprint = /^[A-Za-z0-9_-]{43}$/
const short = /^[A-Za-z0-9_-]{22}$/
const keyForm = /^[A-Za-z0-9_.:-]{1,64}$/

/** Validates an org's id. @throws ProtocolError FRAME */
export const parseOrgId = parser<OrgId>(thumbprint, 'an org id (43 characters of base64url)')
/** Validates a device's id. @throws ProtocolError FRAME */
export const parseDeviceId = parser<DeviceId>(thumbprint, 'a device id (43 characters of base64url)')
/** Validates a connection's id. @throws ProtocolError FRAME */
export const parseConnectionId = parser<ConnectionId>(short, 'a connection id (22 characters of base64url)')
/** Validates a mailbox's id. @throws ProtocolError FRAME */
export const parseMailboxId = parser<MailboxId>(short, 'a mailbox id (22 characters of base64url)')
/** Validates an entry's key. @throws ProtocolError FRAME */
export const parseKey = parser<Key>(keyForm, 'a key (1 to 64 characters of A-Z a-z 0-9 _ . : -)')

/**
 * The id of the connection between two orgs: a hash over both of them and a salt that both know (rule F3). The id proves its parties to anyone who
 * is shown them. So a relay that lost its disk learns from the clients who may write what, without trusting them.
 */
export function connectionId(vendor: OrgId, partner: OrgId, salt: string): ConnectionId {
  return parseConnectionId(shortHash(`entente connection 1\n${vendor}\n${partner}\n${salt}`))
}

/**
 * The id of the mailbox that opens to a claim with this SHA-256: a hash over it (rule MB9). So an id belongs to one claim, and nobody can invite under the id of
 * a connection, whatever the relay knows or has lost.
 *
 * @param claimHash 32 bytes
 */
export function mailboxIdOf(claimHash: Uint8Array): MailboxId {
  return parseMailboxId(shortHash(`entente mailbox 1\n${toBase64UrlEncoded(claimHash)}`))
}

/** The first 16 bytes of the SHA-256 over a text, in base64url. */
function shortHash(text: string): string {
  return toBase64UrlEncoded(sha256(encodeUtf8(text)).subarray(0, 16))
}

/** @returns a function that gives the branded id, and throws ProtocolError FRAME for a text of another form (rule F1) */
function parser<T extends string>(form: RegExp, name: string): (value: string) => T {
  return (value) => {
    if (!form.test(value)) throw new ProtocolError('FRAME', `A text is not ${name}.`)
    return value as T
  }
}
