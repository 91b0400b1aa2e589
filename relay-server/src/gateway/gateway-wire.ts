import { parseFeedName, parseKey, ProtocolError } from '@entente/protocol'
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import * as sync from 'y-protocols/sync'
import type { KeyName } from '../store/store.js'

// The messages of the y-websocket protocol that a read-only gateway needs.

const messageSync = 0
const messageAwareness = 1

/** An awareness message without clients: harmless to any provider at any time. */
export const emptyAwareness = new Uint8Array([messageAwareness, 1, 0])

/** The doc that a path of the gateway names: `/gateway/<feed, URL-encoded>/<key>`. */
export function readGatewayPath(path: string): KeyName | undefined {
  const [, gateway, feed = '', key = '', ...rest] = path.split('/')
  if (gateway !== 'gateway' || rest.length > 0) return undefined
  try {
    return { feed: parseFeedName(decodeURIComponent(feed)), key: parseKey(decodeURIComponent(key)) }
  } catch (error) {
    if (error instanceof ProtocolError || error instanceof URIError) return undefined
    throw error
  }
}

type Said = { readonly type: 'step1' | 'update'; readonly bytes: Uint8Array } | { readonly type: 'other' }

/** Reads a provider's sync message. A read-only gateway ignores awareness and every other message. */
export function readSync(data: Uint8Array): Said {
  try {
    const decoder = decoding.createDecoder(data)
    if (decoding.readVarUint(decoder) !== messageSync) return { type: 'other' }
    const step = decoding.readVarUint(decoder)
    const bytes = decoding.readVarUint8Array(decoder)
    return { type: step === sync.messageYjsSyncStep1 ? 'step1' : 'update', bytes }
  } catch {
    return { type: 'other' }
  }
}

/** Whether an update is the one that every provider sends when it has nothing: no structs, no deletions. */
export function isEmptyUpdate(bytes: Uint8Array): boolean {
  return bytes.length === 2 && bytes[0] === 0 && bytes[1] === 0
}

/** The message with an update as it was committed, for providers that hold the doc up to it. */
export function updateMessage(update: Uint8Array): Uint8Array {
  return syncMessage(sync.messageYjsUpdate, update)
}

/** The answer to a provider's first step: the updates that it lacks. */
export function missingMessage(missing: Uint8Array): Uint8Array {
  return syncMessage(sync.messageYjsSyncStep2, missing)
}

function syncMessage(step: number, bytes: Uint8Array): Uint8Array {
  return encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, messageSync)
    encoding.writeVarUint(encoder, step)
    encoding.writeVarUint8Array(encoder, bytes)
  })
}
