import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { type Key, parseKey } from '@entente/protocol'
import { fromBase64UrlEncoded, toBase64UrlEncoded } from 'lib0/buffer'
import { encodeUtf8 } from 'lib0/string'
import type { ObjectName } from '../api/index.js'

// Ids of one connection are derived from its secret: the same on every device of both orgs, and meaningless to the relay.

/** The id of a record's listing (rule SH2). */
export function listingId(secret: string, object: ObjectName, record: string): string {
  return derive(secret, `listing\n${object}\n${record}`)
}

/** The id of a listed record's record map and of its docs: one per record and connection, the same on both sides (rule EX2). */
export function mapIdOfListing(secret: string, listing: string): Key {
  return parseKey(derive(secret, `map\n${listing}`))
}

/** The id of the partner's copy: derived, so that two devices that import at once create the same one (rule IM2). */
export function copyIdOfMap(map: string): string {
  return `x${map}`
}

function derive(secret: string, text: string): string {
  return toBase64UrlEncoded(hmac(sha256, fromBase64UrlEncoded(secret), encodeUtf8(text)).subarray(0, 16))
}
