import { compareEpochs, type Entry, type Epoch, type FeedName, type Key, type SealedSlots } from '@entente/protocol'
import { feedKeyName } from './feed-key.js'
import type { Opened } from './opened.js'

/** A whole doc of which this page knows what it seals. */
export interface OpenedDoc {
  readonly epoch: Epoch
  readonly bytes: Uint8Array
  /** All of its slots. */
  readonly slots: SealedSlots
  /** What they seal. */
  readonly opened: Opened
}

/** More than a session has in flight and opens ahead. One that is forgotten is opened as any other. */
const most = 1_000

/**
 * Docs that this page has sealed and that have not come back as entries, and those that it opened ahead of their turn. Such an entry is known by its bytes and its place, so
 * nothing in it has to be opened, which is most of the work on it.
 */
export class OpenedDocs {
  readonly #byName = new Map<string, OpenedDoc>()

  add(feed: FeedName, key: Key, doc: OpenedDoc): void {
    const name = feedKeyName(feed, key)
    this.#byName.delete(name)
    this.#byName.set(name, doc)
    for (const first of this.#byName.keys()) {
      if (this.#byName.size <= most) return
      this.#byName.delete(first)
    }
  }

  /** The doc that an entry is. Undefined where it differs in a byte. */
  find(feed: FeedName, { key, whole, epoch, bytes }: Entry): OpenedDoc | undefined {
    const doc = whole ? this.#byName.get(feedKeyName(feed, key)) : undefined
    return doc && compareEpochs(doc.epoch, epoch) === 0 && isSameBytes(doc.bytes, bytes) ? doc : undefined
  }

  /** Something has come under a key. */
  forget(feed: FeedName, key: Key): void {
    if (this.#byName.size > 0) this.#byName.delete(feedKeyName(feed, key))
  }
}

export function isSameBytes(a: Uint8Array, b: Uint8Array | undefined): boolean {
  if (a.length !== b?.length) return false
  for (let index = 0; index < a.length; index++) if (a[index] !== b[index]) return false
  return true
}
