import type { ConnectionId } from '@entente/protocol'
import type { ObjectName } from '../schema/schema.js'

/** A person of the partner, and whether the vendor granted the export. */
export interface PersonView {
  /** 128 bits, base64url, given by the partner. */
  readonly id: string
  readonly name: string
  /** Whether a grant stands: it was given, not taken back, and has not run out. It counts only with a seat. */
  readonly granted: boolean
  /** Whether the grant has a seat: where seats are fewer than grants, the earliest keep theirs (rule PE2). */
  readonly seated: boolean
  /** What the grant is for. Empty without one. */
  readonly objects: readonly ObjectName[]
  /** When the grant ends or has run out: milliseconds since 1970, by the relay's clock. Undefined where it has no end. */
  readonly until: number | undefined
}

/** What a grant is for, and until when. */
export interface GrantTerms {
  /** Both unless given. */
  readonly objects?: readonly ObjectName[]
  /** Milliseconds since 1970, by the relay's clock (rule PE4). No end unless given. */
  readonly until?: number
}

/**
 * Who may export, and the org's own users.
 *
 * @example
 * ```ts
 * // The partner's people come by themselves.
 * await until(vendor, () => vendor.people.list(connection).length > 0)
 * for (const person of vendor.people.list(connection)) await vendor.people.grant(connection, person.id)
 * console.log(vendor.people.seats(connection)) // {"total":5,"used":1}
 * ```
 */
export interface PeopleApi {
  /** The partner's people: for the vendor as the partner announced them (rule PE1), for the partner its own users. Empty for an unknown connection. */
  list(connection: ConnectionId): readonly PersonView[]

  /** How many people may export over a connection, 5 unless set, and how many grants stand; those that ran out take no seat. `used` is above `total` if seats were taken away. */
  seats(connection: ConnectionId): { readonly total: number; readonly used: number }

  /**
   * Sets how many people of the partner may export, as an admin of the vendor.
   *
   * @param total a whole number from 0 to 1,000,000
   * @throws EngineError NOT_ALLOWED for a member or the partner; NOT_FOUND if there is no such connection; NOT_CONNECTED if it is not enabled; INVALID
   * for any other number
   */
  setSeats(connection: ConnectionId, total: number): Promise<void>

  /**
   * Lets a person of the partner export, as an admin of the vendor. Granting again changes what for and until when, and the person keeps the seat.
   *
   * @throws EngineError NOT_ALLOWED for a member or the partner; NOT_FOUND if there is no such connection or person; NOT_CONNECTED if the connection is
   * not enabled; INVALID for an end that is not in the future, or no object; TOO_MANY if no seat is free, with the names of those who have them, or if the list of
   * grants would not fit into one message
   */
  grant(connection: ConnectionId, person: string, terms?: GrantTerms): Promise<void>

  /**
   * Takes a grant back, as an admin of the vendor. Of an export that runs, what has not been imported is taken back. What was imported stays with the partner.
   *
   * @throws EngineError NOT_ALLOWED for a member or the partner; NOT_FOUND if there is no such connection; NOT_CONNECTED if it is not enabled
   */
  revoke(connection: ConnectionId, person: string): Promise<void>

  /** The own org's users. `integration` stands for a connection, not for a person. */
  users(): readonly { readonly id: string; readonly name: string; readonly role: 'admin' | 'member' | 'integration' }[]

  /**
   * Adds a user to the own org, as an admin.
   *
   * @returns the user's id
   * @throws EngineError NOT_ALLOWED for a member; INVALID for a name that is empty or over 200 characters; TOO_MANY where the list of
   * people would not fit into one message (some hundred)
   */
  addUser(name: string, role: 'admin' | 'member'): Promise<string>

  /**
   * Removes a person from the own org, as an admin. Records, copies and shares are the org's and stay. The person's grants at vendors end once those hear of it.
   * The person's devices are taken off the roster, and the org's keys change.
   *
   * @throws EngineError NOT_ALLOWED for a member, or for the own person; NOT_FOUND if there is no such person
   */
  removeUser(id: string): Promise<void>
}
