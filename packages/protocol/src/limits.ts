/**
 * The limits that both ends enforce (SPEC.md section 17). The name gives the unit: `…Bytes` is in bytes, `…Ms` in milliseconds, any other a count.
 */
export const limits = {
  /** One frame. Large enough for a full doc, small enough that a slow link is never blocked for long. */
  frameBytes: 256 * 1024,
  /** The bytes of one entry: a frame, less room for the other fields. */
  entryBytes: 252 * 1024,
  /** One sealed value. A text of 4,000 characters in any script fits four times. */
  valueBytes: 64 * 1024,
  /** A key, or the name of a slot. */
  keyBytes: 64,
  /** The entries, offers or ids of one message. It bounds the work that one message asks for. */
  entriesPerFrame: 2_000,
  /** The update fields of one object: a promise of the product, which elements, engine and relay all keep. */
  slotsPerTopic: 10,
  /** The items of one update, a whole doc included, and the ranges that it deletes: what it costs to load follows from their number, not from their bytes. */
  itemsPerDoc: 4_096,
  /** The topics for which a policy names slots (rule PO1). Two hold docs today. */
  topicsPerPolicy: 16,
  /** The feeds whose read cursors one signed head names (rule RC1). */
  cursorsPerHead: 32,
  /** The feeds that a session may follow, and the connections that it may attach. */
  feedsPerSession: 1_000,
  /** The devices of one roster (rule RO2). */
  devicesPerOrg: 100,
  /** One roster: a hundred devices, each with its keys and its person. Sealed and in base64url beside a reveal it still fits into one value. */
  rosterBytes: 32 * 1024,
  /**
   * The rosters that a path leaves out (rule RO7). A removed admin shows a path of its own to who knows no better. Its number stays below that of the roster
   * with which the org recovers, which is 1,000 above the highest (rule RK4).
   */
  rostersLeftOut: 900,
  /** One JWT. */
  tokenBytes: 8 * 1024,
  /** The time from a socket's opening to its hello (rule ID7). */
  helloMs: 5_000,
  /** The frame that ends a socket whose session has not opened (rule ID7). */
  framesBeforeHello: 16,
  /** The bytes of all frames of a device until its session has opened (rule RL3). They hold what introduces the device, and all that it asks behind its hello. */
  beforeHelloBytes: 1024 * 1024,
  /** The messages of one frame of a device (rule RL3). It has room for a device that follows and attaches all it may. */
  messagesPerFrame: 4_096,
  /** The silence before a ping, and again before the line is given up (rule HB1). */
  heartbeatMs: 15_000,
  /** The shortest silence that a device takes from a relay's welcome, and the longest (rule W6). */
  leastHeartbeatMs: 5_000,
  mostHeartbeatMs: 5 * 60_000,
  /** The longest delay that a device takes from a relay (rule W6). */
  retryMs: 60 * 60_000,
  /** The wrong claims that make an invitation void (rule MB3). */
  invitationTries: 5,
  /** The longest life of an invitation (rule MB5). */
  invitationMs: 72 * 60 * 60 * 1000,
} as const
