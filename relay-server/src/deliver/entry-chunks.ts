import { encodeEntries, encodeEntriesFrame, type EncodedEntries } from '@entente/protocol'
import { lengthOnWire, type PageEntry } from '../store/store.js'

/** Bytes of entries in one message, roughly, so that a frame never waits for a whole feed. */
export const chunkBytes = 64 * 1024
/** Encoded entries of one message, and the last sequence among them. */
export interface Chunk extends EncodedEntries {
  readonly to: number
}

/** Encodes entries of a feed in chunks of about `chunkBytes`, once for all readers. No entries make no chunk. */
export function encodeChunks(entries: readonly PageEntry[]): readonly Chunk[] {
  const chunks: Chunk[] = []
  let some: PageEntry[] = []
  let size = 0
  const close = (): void => {
    const last = some.at(-1)
    if (last) chunks.push({ ...encodeEntries(some), to: last.sequence })
    some = []
    size = 0
  }
  for (const entry of entries) {
    const length = lengthOnWire(entry)
    if (size + length > chunkBytes) close()
    some.push(entry)
    size += length
  }
  close()
  return chunks
}

const nothing: EncodedEntries = { count: 0, bytes: new Uint8Array() }

/**
 * The messages that carry chunks: at least one, even if it is empty.
 *
 * @param number the session's own number for the feed
 * @param position the feed's head when the entries were read or committed (rule IN1)
 * @param live whether the last message, and those before it, are marked as up to date
 */
export function messagesOf(
  number: number,
  chunks: readonly EncodedEntries[],
  position: number,
  live: { readonly last: boolean; readonly before: boolean },
): readonly Uint8Array[] {
  const all = chunks.length > 0 ? chunks : [nothing]
  return all.map((chunk, index) =>
    encodeEntriesFrame({ feed: number, position, live: index === all.length - 1 ? live.last : live.before }, chunk),
  )
}
