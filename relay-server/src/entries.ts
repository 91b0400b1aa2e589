import { encodeRelayFrame, type Entry } from '@entente/protocol'

/** Entries of about this many bytes make one message, so that a frame never waits for a whole feed. */
export const chunkBytes = 64 * 1024
/** What an entry costs on the wire beside its bytes, at most about. */
const entryOverhead = 96

/** One message of entries, and how far a reader has got who was sent it. */
export interface EntriesMessage {
  readonly bytes: Uint8Array
  readonly count: number
  readonly to: number
}

/**
 * Encodes entries of a feed as messages of about `chunkBytes`; at least one, be it empty.
 *
 * @param number the session's own number for the feed
 * @param position the feed's head when they were read or committed (rule OP1)
 * @param live whether the last message, and those before it, are marked as up to date
 */
export function encodeEntries(
  number: number,
  entries: readonly Entry[],
  position: number,
  live: { readonly last: boolean; readonly before: boolean },
): readonly EntriesMessage[] {
  const messages: EntriesMessage[] = []
  let chunk: Entry[] = []
  let size = 0
  const close = (isLive: boolean): void => {
    const bytes = encodeRelayFrame([{ type: 'entries', feed: number, position, live: isLive, entries: chunk }])
    messages.push({ bytes, count: chunk.length, to: chunk.at(-1)?.sequence ?? position })
    chunk = []
    size = 0
  }
  for (const entry of entries) {
    const length = entry.bytes.length + entryOverhead
    if (chunk.length > 0 && size + length > chunkBytes) close(live.before)
    chunk.push(entry)
    size += length
  }
  if (chunk.length > 0 || messages.length === 0) close(live.last)
  return messages
}
