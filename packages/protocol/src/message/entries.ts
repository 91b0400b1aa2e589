import { flag, type Infer, list, struct, uint } from '../codec.js'
import { entry } from '../entry.js'
import { limits } from '../limits.js'

const head = { feed: uint, position: uint, live: flag }

/** The fields of `entries` before its list. */
export const entriesHead = struct(head)
export type EntriesHead = Infer<typeof entriesHead>

/**
 * Relay → device: entries of one feed in sequence order (rule CU1). `position` is the feed's head, read when the last of them was committed or later
 * (rule IN1). `live` is true once the answer to `subscribe` is complete (rule CU3): this message and all later ones are up to date.
 */
export const entries = struct({ ...head, entries: list(entry, limits.entriesPerFrame) })
export type Entries = Infer<typeof entries>
