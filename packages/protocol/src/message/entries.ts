import { flag, type Infer, list, struct, uint } from '../codec.js'
import { entry } from '../entry.js'
import { limits } from '../limits.js'

const head = { feed: uint, position: uint, live: flag }

/** What stands before the entries. */
export const entriesHead = struct(head)
export type EntriesHead = Infer<typeof entriesHead>

/**
 * Relay → device: entries of one feed in sequence order. `position` is the feed's head when the last of them had been committed or
 * later (rule IN1). `live` is true once the answer to `subscribe` is complete: this frame and all that follow are up to date.
 */
export const entries = struct({ ...head, entries: list(entry, limits.entriesPerFrame) })
export type Entries = Infer<typeof entries>
