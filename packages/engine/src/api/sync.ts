import type { ConnectionId, ErrorCode } from '@entente/protocol'
import type { Field } from '../schema/field.js'
import type { ObjectName } from '../schema/schema.js'

/**
 * How old what this device holds is, and whether it is what its owner signed (SPEC, rules HD4 to HD6). A relay can hold entries back, repeat old ones or leave
 * some out. It cannot sign. So this shows whether it did.
 */
export interface SignedState {
  /**
   * - `signed`: this device holds exactly what the other org signed at `signedAt`.
   * - `waiting`: something has come since, or nothing was signed yet. The next signature follows in seconds while the other org is online.
   * - `held back`: more is known to exist, and for a minute nothing has come, though the line is up.
   * - `differs`: this device holds something else than what was signed, also after reading it again.
   */
  readonly state: 'signed' | 'waiting' | 'held back' | 'differs'
  /** When what this device holds, or held when it last fitted, was signed: milliseconds since 1970, by the signer. An old time may be a closed laptop, or a relay that gives nothing new. */
  readonly signedAt: number | undefined
  /** For `held back` and `differs`, since when: milliseconds since 1970 by this device's clock. */
  readonly since: number | undefined
}

/** One feed: what one org sends of one topic over a connection, or to its own devices. */
export interface SignedFeed extends SignedState {
  /** Undefined for a feed of the org's own devices. */
  readonly connection: ConnectionId | undefined
  readonly whose: 'own' | 'peer'
  /** `lead`, `opportunity`, `messages`, or `rows` for the org's own devices. */
  readonly topic: string
  /** For `differs`: the own records beside the mirrors that differ, as far as they have been found. */
  readonly records: readonly { readonly object: ObjectName; readonly id: string }[]
}

/** The line to the relay, and what waits. The counts begin at 0 with each opening of the engine. */
export interface SyncView {
  /**
   * `refused`: the relay ended the session and said why; the device asks again by itself. A tab that does not lead says what the leading tab does, and
   * `connecting` until that one has told it.
   */
  readonly state: 'offline' | 'connecting' | 'online' | 'refused'
  /** Why the relay refused (SPEC, section 16). Undefined otherwise. */
  readonly reason: ErrorCode | undefined
  /** True after `cut`, until `mend`. */
  readonly cut: boolean
  /** Feed keys whose latest change the relay has not acknowledged (rule DF1): a record with ten unsent edits counts once. */
  readonly waiting: number
  /** When all was last in sync: milliseconds since 1970 by this device's clock. Undefined if it never was since the opening. */
  readonly lastSynced: number | undefined
  /** True in the one tab of a browser that holds the line and does the org's work. */
  readonly leader: boolean
  /**
   * Why this page keeps nothing in sync any more and waits for no turn either; undefined otherwise. Show it to the person.
   *
   * - `elsewhere`: the org is open a second time in this browser, where this page does not hear of it. That one leads. What is saved here stays on the
   *   device, and goes out once this page or a new one leads. Close one of the two, and reload the other.
   * - `outdated`: a newer version of the library is at work on the same store. This page only shows what it has; each save is refused with STORE, cause
   *   NEWER. Reload it.
   */
  readonly stoodDown: 'elsewhere' | 'outdated' | undefined
  /** Relay's clock minus this device's, in milliseconds, at the last welcome. */
  readonly clockOffset: number
  /** Bytes of frames received, without the overhead of the socket. */
  readonly bytesIn: number
  /** Bytes of frames sent, without the overhead of the socket. */
  readonly bytesOut: number
  /** WebSocket messages received. */
  readonly framesIn: number
  /** WebSocket messages sent. */
  readonly framesOut: number
  /** Entries received: one is one change of one record or message. */
  readonly entriesIn: number
  /** Each feed that this device follows: how old it is, and whether it is what its owner signed. */
  readonly signed: readonly SignedFeed[]
  /**
   * The last 50 failures of the engine's own work, newest first, without values. `at`: milliseconds since 1970 by this device's clock. `connection`: the id
   * of the connection or invitation that one concerns.
   */
  readonly problems: readonly { readonly at: number; readonly what: string; readonly connection?: string }[]
}

/**
 * The state of the line, a switch to cut it, and a pass for a live mirror.
 *
 * @example
 * ```ts
 * const [opportunity] = vendor.records.list('Opportunity').records
 * vendor.sync.cut()
 * await vendor.records.edit('Opportunity', opportunity?.id ?? '', { Amount: { amount: '15000', currency: 'EUR' } })
 * console.log(vendor.sync.status().state, vendor.sync.status().waiting > 0) // offline true
 *
 * vendor.sync.mend()
 * await vendor.sync.settled(10_000)
 * console.log(vendor.sync.status().state, vendor.sync.status().waiting) // online 0
 * ```
 */
export interface SyncApi {
  status(): SyncView

  /** Cuts the line until `mend`. Work goes on, offline. */
  cut(): void

  /** Ends a cut, and connects at once. Also of use when the network is known to be back. */
  mend(): void

  /**
   * Resolves when every feed is up to date, no change waits, and the engine has no work left. In any tab: the one that leads answers, and where another one
   * takes the lead meanwhile, that one.
   *
   * @param ms how long to wait, in milliseconds
   * @throws EngineError OFFLINE if that takes longer; it goes on by itself
   */
  settled(ms: number): Promise<void>

  /**
   * Asks the relay for all that a page needs to show one mirror live with a stock y-websocket provider, without an engine. In any tab: the one that leads asks.
   *
   * @param mirror the id of a `MirrorView`
   * @throws EngineError NOT_FOUND if there is no such mirror, the relay has nothing of it, or its connection ended; OFFLINE if the device has no line to the
   * relay, or the agreement has not arrived: ask again later
   */
  openGateway(mirror: string): Promise<GatewayPass>
}

/**
 * What opens one mirror at the relay's y-websocket gateway (SPEC, section 15), in its present epoch. Two of its parts are secrets: hand it from page to
 * page, and never put it into an address, a store or a log.
 *
 * - `token` reads this one doc, for minutes.
 * - `sealKey` opens more: every mirror of this connection, and no message. It fetches no other doc, as the relay gives those to this org's devices only. But
 *   with the bytes of other docs it reads them.
 *
 * So give a pass only to a page that may read all mirrors of this connection.
 */
export interface GatewayPass {
  /** The mirror's id. */
  readonly mirror: string
  readonly object: ObjectName
  readonly peerName: string
  /** The provider's room: it dials `<relay>/gateway/<room>?token=<token>`. */
  readonly room: string
  /** A JWT (rule GW4). */
  readonly token: string
  /** When the token ends: milliseconds since 1970 by this device's clock. */
  readonly expires: number
  /** The doc's feed. The seals are bound to feed, key, slot and epoch (rule SE2). */
  readonly feed: string
  /** The doc's key in the feed. */
  readonly key: string
  /** Version of the agreement, and number of the whole doc under it (rule EP2). */
  readonly epoch: { readonly version: number; readonly number: number }
  /** 32 bytes: the XChaCha20-Poly1305 key of the seals (rule SE6). */
  readonly sealKey: Uint8Array
  /** The other org's agreed fields. One without a slot does not keep flowing: show "not shared". */
  readonly fields: readonly { readonly field: Field; readonly slot: string | undefined }[]
}
