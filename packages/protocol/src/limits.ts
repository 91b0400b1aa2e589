/** The numbers that both ends hold each other to. Sizes in bytes, times in milliseconds. */
export const limits = {
  /** A WebSocket message. Large enough for one full doc, small enough that a slow link is never held for long. */
  frameBytes: 256 * 1024,
  /** A doc or message inside a frame: what is left beside the frame's own words. */
  entryBytes: 252 * 1024,
  /** One sealed value. A text area of 4,000 characters in any script fits four times. */
  valueBytes: 64 * 1024,
  /** A key or a slot name. */
  keyBytes: 64,
  /** Entries in one frame: bounds the work that one frame can ask for. */
  entriesPerFrame: 2_000,
  /** Update fields per object: the promise of the product, kept by element, engine and relay. */
  slotsPerTopic: 10,
  /** Feeds that one session may follow. */
  feedsPerSession: 1_000,
  /** A JWT on the wire. */
  tokenBytes: 8 * 1024,
  /** How long a session may take to say hello, and how many frames it may send until then. */
  helloMs: 5_000,
  framesBeforeHello: 16,
  /** A silent line is asked after this time, and given up when the answer takes as long again. */
  heartbeatMs: 15_000,
  /** Wrong tries after which an invitation is void, and how long it lives. */
  invitationTries: 5,
  invitationMs: 72 * 60 * 60 * 1000,
} as const
