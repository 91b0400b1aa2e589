import type { ConnectionId, OrgId, Side } from '@entente/protocol'
import type { Why } from './records.js'

/**
 * - `Pending`: invited or accepted, and the handshake is not complete.
 * - `Enabled`: both orgs are connected. Records travel once the codes are compared and fields agreed.
 * - `Disabled`: one org ended it, or cancelled the invitation.
 * - `Error`: something is wrong that a person has to look at; `problem` says what.
 * - `Unknown`: a newer version of this library wrote a state that this one does not know.
 */
export type ConnectionState = 'Pending' | 'Enabled' | 'Disabled' | 'Error' | 'Unknown'

/** A connection, or an invitation that has not led to one. */
export interface ConnectionView {
  /** The connection's id (rule F3); the id of the invitation's mailbox until the other org is known. 128 bits, base64url. */
  readonly id: ConnectionId
  /** Which side the own org is on. The vendor invites. */
  readonly side: Side
  readonly state: ConnectionState
  /**
   * The other org's name as it gave it. Nobody has proven it until the own org has compared the codes (`verified`): say "says it is …" before. Of an invitation it
   * is what the link says. Data of the peer: never put it into markup unescaped.
   */
  readonly peerName: string | undefined
  /** What the own org calls the connection, by `rename`. Show it where it is there. */
  readonly label: string | undefined
  readonly peer: OrgId | undefined
  /**
   * Set on the vendor's side while the invitation is open. `link` holds a secret in its fragment (rule CN1): show it, never log it. `expires`: milliseconds
   * since 1970 by the relay's clock. `state`: `open`, or `claimed` once the partner has used it.
   */
  readonly invitation: { readonly link: string; readonly expires: number; readonly state: string } | undefined
  /** The code that both screens show once both keys are known, as "1234 5678 9012" (rule CN4). */
  readonly code: string | undefined
  /** Whether an admin of this org compared the codes. */
  readonly verified: 'no' | 'yes' | 'mismatch'
  /** Whether an admin of the other org confirmed the codes. Values travel once both orgs have (rule CN10). */
  readonly peerVerified: boolean
  /** Who says that the codes differ: where the own org does, `compareAgain` takes it back. Undefined where nobody does. */
  readonly mismatchBy: 'own' | 'peer' | undefined
  /** How often a mismatch was taken back, by either org: the codes were compared from the start then. */
  readonly comparedAgain: number
  /** Id of the user under whose name exports, imports and mirror writes are recorded. Made by the handshake (rule CN6). */
  readonly integrationUser: string | undefined
  /** Why nothing flows, any more or for now. `by` is `both` where each side has paused. Undefined where records may flow, and for an invitation. */
  readonly why: Why | undefined
  /**
   * How many record maps of earlier connections with the same org carry on here, once admins of both orgs have confirmed the codes: their records flow again, and none
   * is exported twice (rule RA1). What was stopped, recalled, deleted or converted before is not counted. 0 once the own admin has confirmed.
   */
  readonly earlier: number
  /** Where this one was refused because both orgs are connected already: that connection (rule CN12). */
  readonly first: ConnectionId | undefined
  /** What stands in the way, in words for a person. */
  readonly problem: string | undefined
}

/**
 * Connecting two orgs: the invitation, the comparison of codes, and the end. Only admins may change anything here.
 *
 * @example
 * ```ts
 * import type { Engine } from '@entente/engine'
 *
 * // An admin of the vendor makes a link and sends it to the partner. The relay has to know the invitation before the link is used.
 * const { invitation } = await vendor.connections.invite('https://vendor.example/connect')
 * await vendor.sync.settled(10_000)
 *
 * // An admin of the partner opens the link. The handshake goes on by itself, whenever both are online.
 * await partner.connections.accept(invitation?.link ?? '')
 * const enabled = (engine: Engine) => engine.connections.list().find(({ state }) => state === 'Enabled')
 * await until(vendor, () => enabled(vendor) !== undefined)
 * await until(partner, () => enabled(partner) !== undefined)
 *
 * // The admins read the digits to each other by phone, and each confirms.
 * console.log(enabled(vendor)?.code === enabled(partner)?.code) // true
 * for (const engine of [vendor, partner]) {
 *   const view = enabled(engine)
 *   if (view) await engine.connections.compareCodes(view.id, true)
 * }
 * console.log(enabled(partner)?.verified) // yes
 * ```
 */
export interface ConnectionsApi {
  /** All connections, ended ones included, then the invitations that have not led to one. */
  list(): readonly ConnectionView[]

  /** Takes the id of a connection or of an invitation. Undefined if there is neither. */
  get(id: ConnectionId): ConnectionView | undefined

  /**
   * Makes an invitation, as vendor. One partner may use it within 72 hours; five wrong secrets make it void (rules MB3, MB5).
   *
   * @param base the address of the page that takes the link. The secret goes into its fragment, in place of the present one
   * @throws EngineError NOT_ALLOWED for a member; SIZE for an address that is too long, or where the org's devices cannot be shown to another org any more
   */
  invite(base: string): Promise<ConnectionView>

  /**
   * Ends an invitation that has not led to a connection.
   *
   * @throws EngineError NOT_ALLOWED for a member; NOT_CONNECTED for an id that is no open invitation, or once the vendor has revealed its keys: then
   * `disconnect`
   */
  cancelInvitation(id: ConnectionId): Promise<void>

  /**
   * Reads who made an invitation, before it is accepted. Nothing is sent. `vendorName` is a claim of whoever wrote the link, of at most 80 characters, without
   * controls and direction marks.
   *
   * @throws EngineError LINK for a text that is no invitation link
   */
  read(link: string): { readonly vendor: OrgId; readonly vendorName: string | undefined }

  /**
   * Takes an invitation, as partner. Resolves when that is noted; the handshake goes on by itself. Accepting again
   * before the handshake is done gives the same view; afterwards that of the spent invitation.
   *
   * @throws EngineError NOT_ALLOWED for a member; CONNECTED where the two orgs are connected already; LINK for a text that is no invitation link, or the own org's link; SIZE where the own org's devices cannot be shown to another org any more. Whether a link was used, cancelled
   * or has expired shows later, in `state` and `problem`
   */
  accept(link: string): Promise<ConnectionView>

  /**
   * Notes that an admin compared the codes of both screens. `same: true` also decides that the records of earlier connections with this org carry on, see `earlier`.
   * `same: false` blocks the connection on both sides, until `compareAgain` (rule CN7).
   *
   * @throws EngineError NOT_ALLOWED for a member; NOT_FOUND if there is no such connection; NOT_CONNECTED if it is not enabled, or the other org has the comparison begin once more
   */
  compareCodes(id: ConnectionId, same: boolean): Promise<void>

  /**
   * Pauses a connection, from either side: no record, listing, export or update travels either way until both sides let it go on. What is taken back is taken back
   * all the same, and agreements can be worked on. Edits made meanwhile flow when it resumes. Pausing again does nothing.
   *
   * @throws EngineError NOT_ALLOWED for a member; NOT_FOUND if there is no such connection; NOT_CONNECTED if it is not enabled
   */
  pause(id: ConnectionId): Promise<void>

  /**
   * Ends the own side's pause. Where the other side has paused too, its pause goes on. Resuming again does nothing.
   *
   * @throws EngineError as `pause`
   */
  resume(id: ConnectionId): Promise<void>

  /**
   * Takes back that the codes differ, where an admin of the own org said so by a slip. Both orgs then compare them from the start, and no earlier confirmation counts.
   * Where the other org says so too, the connection stays blocked until it takes that back.
   *
   * @throws EngineError NOT_ALLOWED for a member, or where only the other org said so; NOT_FOUND if there is no such connection; NOT_CONNECTED if no mismatch stands;
   * CONNECTED where the two orgs have connected again meanwhile
   */
  compareAgain(id: ConnectionId): Promise<void>

  /**
   * Gives a connection or an invitation a name of the own org's, which every screen here shows in place of the other's. The other org never learns it. An empty name
   * takes it away.
   *
   * @throws EngineError NOT_ALLOWED for a member; NOT_FOUND; INVALID for more than 200 characters
   */
  rename(id: ConnectionId, name: string): Promise<void>

  /**
   * Takes a connection that has ended, or an invitation that leads to none, out of `list`. Its records, copies and frozen mirrors stay as they are.
   *
   * @throws EngineError NOT_ALLOWED for a member, or for one that has not ended; NOT_FOUND
   */
  remove(id: ConnectionId): Promise<void>

  /**
   * Ends a connection for good, from either side. Records stay, mirrors freeze. Ending it again does nothing.
   *
   * @throws EngineError NOT_ALLOWED for a member; NOT_FOUND if there is no such connection
   */
  disconnect(id: ConnectionId): Promise<void>
}
