import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { type Codec, type Infer, readSome } from './codec.js'
import { ProtocolError } from './error.js'
import { limits } from './limits.js'
import { accepted } from './message/accepted.js'
import { attach } from './message/attach.js'
import { challenge } from './message/challenge.js'
import { claim } from './message/claim.js'
import { askGateway, gatewayToken } from './message/gateway.js'
import { encodeAll, type Entry, type WireEntry } from './entry.js'
import { entries, type EntriesHead, entriesHead } from './message/entries.js'
import { failed } from './message/failed.js'
import { ping, pong } from './message/heartbeat.js'
import { hello } from './message/hello.js'
import { invite } from './message/invite.js'
import { leaving } from './message/leaving.js'
import { mailbox } from './message/mailbox.js'
import { publish } from './message/publish.js'
import { refused } from './message/refused.js'
import { roster } from './message/roster.js'
import { subscribe } from './message/subscribe.js'
import { welcome } from './message/welcome.js'

/** The protocol versions that this package speaks. A change of any wire shape raises `newest` (rule W4). */
export const protocolVersions = { oldest: 1, newest: 1 } as const

// A frame is one binary WebSocket message: one or more messages, each with its number (one byte) and its fields. Frames exist for batching: a
// returning device sends all its requests in one frame, and the relay answers many feeds in one.

/** The messages of a device, by their numbers on the wire. Never reuse a number (rule W4). */
const clientMessages = {
  hello: [1, hello],
  attach: [2, attach],
  invite: [3, invite],
  claim: [4, claim],
  subscribe: [5, subscribe],
  publish: [6, publish],
  askGateway: [7, askGateway],
  ping: [8, ping],
  pong: [9, pong],
  roster: [10, roster],
} as const

/** The messages of the relay, likewise. */
const relayMessages = {
  challenge: [33, challenge],
  welcome: [34, welcome],
  entries: [35, entries],
  accepted: [36, accepted],
  refused: [37, refused],
  failed: [38, failed],
  mailbox: [39, mailbox],
  leaving: [40, leaving],
  gatewayToken: [41, gatewayToken],
  ping: [42, ping],
  pong: [43, pong],
} as const

type Messages = Readonly<Record<string, readonly [number: number, codec: Codec<unknown>]>>
type MessageIn<M extends Messages> = {
  readonly [Type in keyof M]: { readonly type: Type } & Infer<M[Type][1]>
}[keyof M]

/** A message from a device to the relay. */
export type ClientMessage = MessageIn<typeof clientMessages>
/** A message from the relay to a device. */
export type RelayMessage = MessageIn<typeof relayMessages>
/** The message of one type. `ping` and `pong` are the same in both directions. */
export type MessageOf<Type extends (ClientMessage | RelayMessage)['type']> = Extract<ClientMessage | RelayMessage, { readonly type: Type }>

/** Encodes a device's messages as one frame. */
export const encodeClientFrame = frameWriter<ClientMessage>(clientMessages)
/**
 * Decodes a device's frame (rules W1 and W2).
 *
 * @throws ProtocolError VERSION for an unknown message number, FRAME for malformed bytes, SIZE for a value over its limit, FEED for a malformed feed name
 */
export const decodeClientFrame = (frame: Uint8Array): ClientMessage[] => readAtOnce(openClientFrame(frame))
/**
 * Opens a device's frame to be decoded some messages at a time, for a relay that does other things between.
 *
 * @throws ProtocolError FRAME for an empty frame
 */
export const openClientFrame = frameOpener<ClientMessage>(clientMessages, limits.messagesPerFrame)
/** The messages by which a device introduces itself, up to its hello (rule ID7). */
const greetings = { hello: clientMessages.hello, roster: clientMessages.roster } as const
type Greeting = MessageIn<typeof greetings>

/**
 * Decodes a frame of a device that has not said its hello, and nothing behind the hello: that is a stranger's until the hello has been checked.
 *
 * @returns the messages, and the bytes behind the hello, a frame of their own; undefined for a frame in which another message comes before the hello
 * @throws ProtocolError FRAME for malformed bytes, SIZE for a value over its limit
 */
export function decodeGreeting(frame: Uint8Array): { readonly messages: readonly Greeting[]; readonly rest: Uint8Array } | undefined {
  return readSome(frame, (decoder) => {
    const messages: Greeting[] = []
    while (decoding.hasContent(decoder) && messages.at(-1)?.type !== 'hello') {
      const number = decoding.readUint8(decoder)
      if (number === greetings.hello[0]) messages.push({ type: 'hello', ...greetings.hello[1].read(decoder) })
      else if (number === greetings.roster[0]) messages.push({ type: 'roster', ...greetings.roster[1].read(decoder) })
      else return undefined
    }
    return { messages, rest: frame.subarray(decoder.pos) }
  })
}

/** Encodes the relay's messages as one frame. */
export const encodeRelayFrame = frameWriter<RelayMessage>(relayMessages)
/**
 * Decodes a relay's frame (rules W1 and W2).
 *
 * @throws ProtocolError VERSION for an unknown message number, FRAME for malformed bytes, SIZE for a value over its limit
 */
export const decodeRelayFrame = (frame: Uint8Array): RelayMessage[] => readAtOnce(openRelayFrame(frame))
const openRelayFrame = frameOpener<RelayMessage>(relayMessages)

/** A frame that is being decoded. */
export interface OpenFrame<M> {
  /** Those that are decoded. */
  readonly messages: M[]
  /**
   * Decodes some more messages.
   *
   * @returns whether the frame has been decoded to its end
   * @throws ProtocolError as `decodeClientFrame` does
   */
  decode(some: number): boolean
}

/** Entries in their wire format, one after another. They are encoded once for many readers. */
export interface EncodedEntries {
  readonly count: number
  readonly bytes: Uint8Array
}

/** Encodes entries for `encodeEntriesFrame`. */
export function encodeEntries(some: readonly (Entry | WireEntry)[]): EncodedEntries {
  return { count: some.length, bytes: encodeAll(some) }
}

/** Builds a frame of one `entries` message from encoded entries. It equals the frame that `encodeRelayFrame` makes. */
export function encodeEntriesFrame(head: EntriesHead, { count, bytes }: EncodedEntries): Uint8Array {
  const before = encoding.encode((encoder) => {
    encoding.writeUint8(encoder, relayMessages.entries[0])
    entriesHead.write(encoder, head)
    encoding.writeVarUint(encoder, count)
  })
  const frame = new Uint8Array(before.length + bytes.length)
  frame.set(before)
  frame.set(bytes, before.length)
  return frame
}

/** The number, name and layout of every message, for the test that pins the wire (rule W4). */
export const wireShapes: readonly string[] = [...Object.entries(clientMessages), ...Object.entries(relayMessages)].map(
  ([type, [number, codec]]) => `${number} ${type} ${codec.shape}`,
)

function frameWriter<M extends { readonly type: string }>(known: Messages): (messages: readonly M[]) => Uint8Array {
  return (messages) =>
    encoding.encode((encoder) => {
      for (const message of messages) {
        const [number, codec] = known[message.type] ?? unknownType(message.type)
        encoding.writeUint8(encoder, number)
        codec.write(encoder, message)
      }
    })
}

function frameOpener<M>(known: Messages, most = Number.POSITIVE_INFINITY): (frame: Uint8Array) => OpenFrame<M> {
  const byNumber = new Map(Object.entries(known).map(([type, [number, codec]]) => [number, { type, codec }]))
  return (frame) => {
    if (frame.length === 0) throw new ProtocolError('FRAME', 'A frame is empty.')
    const messages: M[] = []
    let at = 0
    const decode = (some: number): boolean => {
      at += readSome(frame.subarray(at), (decoder) => {
        for (let read = 0; read < some && decoding.hasContent(decoder); read++) {
          if (messages.length >= most) throw new ProtocolError('RATE', `A frame has more than ${most} messages.`)
          const number = decoding.readUint8(decoder)
          const { type, codec } = byNumber.get(number) ?? unknownType(number)
          messages.push({ type, ...(codec.read(decoder) as object) } as M)
        }
        return decoder.pos
      })
      return at === frame.length
    }
    return { messages, decode }
  }
}

function readAtOnce<M>({ messages, decode }: OpenFrame<M>): M[] {
  decode(Number.POSITIVE_INFINITY)
  return messages
}

function unknownType(which: string | number): never {
  throw new ProtocolError('VERSION', `Message ${which} is unknown.`)
}
