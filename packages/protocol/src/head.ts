import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { decodeUtf8, encodeUtf8 } from 'lib0/string'
import * as v from 'valibot'
import { uint } from './codec.js'
import { readCursors } from './cursors.js'
import { ProtocolError } from './error.js'
import { parseFeedName } from './feed.js'
import { type Key, parseKey } from './id.js'
import { limits } from './limits.js'
import { parsedText } from './parsed-text.js'
import { bytes32 } from './roster.js'
import { stampBounds } from './stamp.js'

// A head is what a device of a feed's owner signs about the whole feed: what stands in it, and when (rules HD1 and HD2). The relay reads the sequence that an entry of
// this kind names. Devices verify the signature, and compare.

/** The reserved key of a feed's newest head (rule HD1). */
export const headKey: Key = parseKey('head')

/** The JOSE type of a head. */
export const headType = 'entente-head+jwt'

/** A head as an entry brings it. */
export interface HeadEntry {
  /** The sequence of the last entry that the head covers: the one before the head's own (rule HD1). */
  readonly sequence: number
  /** The compact JWS. */
  readonly token: string
}

const sequence = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const time = v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(stampBounds.time - 1))

/**
 * The claims of a head (rule HD2). `feed`, `incarnation` and `sequence` say where it stands. `root` is the hash over all that the feed holds,
 * `generation` the newest generation of keys that the signer has. `time` is when it was signed, in ms since 1970. `cursors` are how far the signer has read the
 * peer's feeds (rule RC1). `next` is the time before which an agent will sign the next one: after it, that one is overdue.
 */
export const headClaims = v.object({
  feed: parsedText(parseFeedName),
  incarnation: sequence,
  sequence,
  root: bytes32,
  generation: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(255)),
  time,
  cursors: readCursors,
  next: v.exactOptional(time),
  /** In the head of a connection's messages: the root over what the signer holds of the other side's messages, at the cursor (rule HD9). */
  holds: v.exactOptional(bytes32),
})
export type HeadClaims = v.InferOutput<typeof headClaims>

/** Encodes a head entry's bytes: the sequence that it names, and the JWS (rule HD1). */
export function encodeHead({ sequence: named, token }: HeadEntry): Uint8Array {
  const encoder = encoding.createEncoder()
  uint.write(encoder, named)
  encoding.writeUint8Array(encoder, encodeUtf8(token))
  return encoding.toUint8Array(encoder)
}

/**
 * Reads a head entry's bytes. The JWS in it has yet to be verified.
 *
 * @throws ProtocolError FRAME for bytes of another form, SIZE for a token that is too long
 */
export function decodeHead(bytes: Uint8Array): HeadEntry {
  let head: HeadEntry
  try {
    const decoder = decoding.createDecoder(bytes)
    head = { sequence: uint.read(decoder), token: decodeUtf8(decoding.readTailAsUint8Array(decoder)) }
  } catch {
    throw new ProtocolError('FRAME', 'A head names no sequence.')
  }
  if (!/^[\w-]+\.[\w-]+\.[\w-]+$/.test(head.token)) throw new ProtocolError('FRAME', 'A head holds no signature.')
  if (head.token.length > limits.tokenBytes) throw new ProtocolError('SIZE', `A head has at most ${limits.tokenBytes} bytes.`)
  return head
}
