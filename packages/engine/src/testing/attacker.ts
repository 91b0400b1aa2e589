import {
  createDoc,
  encodeControlEntry,
  type Entry,
  type Epoch,
  existenceSlot,
  type FeedName,
  holdsMessages,
  type Key,
  parseFeed,
  zeroEpoch,
} from '@entente/protocol'
import { encodeUtf8 } from 'lib0/string'
import type { Register } from '../row/row.js'
import { connectionKey, originKey } from '../seal/keys.js'
import { controlBinding, messageBinding, Origin, seal, type SealBinding } from '../seal/seal-register.js'
import { partnerOrg, sampleConnection, sampleSecret } from './sample-connection.js'

/** A stamp of the attacker's that stands above any edit of an honest device. */
export const highStamp = [2 ** 45, 0, 1] as const

/**
 * What a relay can make that plays with the partner of the sample connection. It has the keys of both directions, and no origin key but the partner's. So its
 * seals open at both orgs, and bear the vendor's origin nowhere.
 */
export class Attacker {
  readonly #origin = new Origin(originKey('partner-secret-of-the-attacker-1234567890ab', partnerOrg))

  /** A seal for any place of the connection. */
  seal(binding: SealBinding, register: Register): Uint8Array {
    const feed = parseFeed(binding.feed)
    const side = feed.kind === 'team' ? 'vendor' : feed.side
    const sealed = holdsMessages(feed) ? 'messages' : 'docs'
    return seal({ cipher: connectionKey(sampleSecret, sampleConnection, side, sealed), origin: this.#origin }, binding, register)
  }

  /** A whole doc. @param exists its existence register; left out where undefined */
  doc(
    feed: FeedName,
    key: Key,
    epoch: Epoch,
    registers: Readonly<Record<string, Register>>,
    exists: Register | undefined,
  ): Omit<Entry, 'sequence'> {
    const slots = Object.entries({ ...registers, ...(exists && { [existenceSlot]: exists }) })
    const sealed = slots.map(([slot, register]) => [slot, this.seal({ feed, key, slot, epoch }, register)] as const)
    return { key, kind: 'doc', whole: true, epoch, bytes: createDoc(new Map(sealed), 1) }
  }

  /** The erasure of a doc. */
  erasure(feed: FeedName, key: Key, epoch: Epoch): Omit<Entry, 'sequence'> {
    const bytes = this.seal({ feed, key, slot: existenceSlot, epoch }, [highStamp, false])
    return { key, kind: 'erased', whole: true, epoch, bytes }
  }

  message(feed: FeedName, key: Key, register: Register): Omit<Entry, 'sequence'> {
    return { key, kind: 'message', whole: true, epoch: zeroEpoch, bytes: this.seal(messageBinding(feed, key), register) }
  }

  controlEntry(feed: FeedName, key: Key, text: string): Omit<Entry, 'sequence'> {
    const sealed = this.seal(controlBinding(feed, key), [highStamp, text])
    return { key, kind: 'control', whole: true, epoch: zeroEpoch, bytes: encodeControlEntry({ copy: encodeUtf8(text), seal: sealed }) }
  }
}
