import type { DeviceId, MailboxId, Role } from '@entente/protocol'

/** A device on the org's highest roster. */
export interface DeviceView {
  /** The RFC 7638 thumbprint of its key, base64url. */
  readonly id: DeviceId
  /** The id of the person whose device it is, and the person's name where this device knows it. */
  readonly person: string
  readonly personName: string | undefined
  /** An admin decides, a member works, an agent carries out. */
  readonly role: Role
  /** What it was named, by itself or by an admin. Undefined until it has been online. */
  readonly name: string | undefined
  /** Whether it is this device. */
  readonly own: boolean
  /** When the roster that names it first was signed: milliseconds since 1970. It is what that admin's device said. */
  readonly addedAt: number | undefined
  /** When it was last online, as it says itself, to within some minutes: milliseconds since 1970, by the relay's clock. Undefined until it has been. */
  readonly lastSeen: number | undefined
  /** How many rows of the org it had not read when it was last seen, as far as this device knows. Undefined where that is not known, and of this device. */
  readonly behind: number | undefined
}

/** How far an org is with changing its keys. */
export interface KeyStatus {
  /** How often they have changed. */
  readonly generation: number
  /** Whether a device was removed and the keys have not changed since: until an admin's device that is online has seen to that, no record leaves this device. */
  readonly due: boolean
  /** How much of what the relay holds of this org is under the present keys, of how much: counts. Equal once all of it was published again. */
  readonly done: number
  readonly total: number
  /** How long the rest takes, in milliseconds, as far as it can be told. 0 where nothing is left. */
  readonly remainingMs: number
}

/**
 * - `open`: nobody has used the link.
 * - `compare`: a device has, and both show a code.
 * - `joining`: an admin found the codes equal; the org goes over as soon as both devices are online.
 * - `joined`: the device is there.
 * - `over`: it was cancelled, has expired, or failed; `problem` says which.
 */
export type DeviceInvitationState = 'open' | 'compare' | 'joining' | 'joined' | 'over'

/** The invitation of one device to the own org. */
export interface DeviceInvitationView {
  readonly id: MailboxId
  readonly state: DeviceInvitationState
  readonly personName: string
  readonly role: Role
  /** The link, while nobody has used it. It holds a secret in its fragment (rule JN1): show it, never log it. */
  readonly link: string | undefined
  /** When it is over: milliseconds since 1970, by the relay's clock. */
  readonly expiresAt: number
  /** What the new device calls itself. Nobody has proven it. */
  readonly deviceName: string | undefined
  /** The code that both devices show, as "1234 5678 9012" (rule CN4). Set in the state `compare`. */
  readonly code: string | undefined
  /** Whether it was made at this device, which alone can carry it out. */
  readonly own: boolean
  /** What stands in the way, in words for a person. */
  readonly problem: string | undefined
}

/** For whom an invitation is, and where. */
export interface DeviceInvitation {
  /** The address of the page that takes the link. The secret goes into its fragment, in place of the present one. */
  readonly base: string
  /** The id of a person of the org; or the name of one who is new. */
  readonly person: string | { readonly name: string }
  readonly role: Role
}

/**
 * The devices of the own org: who has which, what each may do, and how a new one joins. Only admins change anything here.
 *
 * @example
 * ```ts
 * import type { DevicesApi } from '@entente/engine'
 *
 * // An admin makes a link. Whoever opens it in an empty browser sees a code; the admin compares it, by phone or side by side.
 * const devices: DevicesApi = vendor.devices
 * const invited = await devices.invite({ base: 'https://app.example/workspace.html', person: { name: 'Mia' }, role: 'member' })
 * console.log(invited.state, invited.link?.includes('#device=')) // open true
 * await devices.cancel(invited.id)
 * for (const { role, own } of devices.list()) console.log(role, own) // admin true
 * ```
 */
export interface DevicesApi {
  /** The devices of the highest roster that is known here, in its order. */
  list(): readonly DeviceView[]

  /** The invitations of the last days, the newest first. */
  invitations(): readonly DeviceInvitationView[]

  /**
   * Makes a link with which one new device may join, within 24 hours. Five wrong secrets make it void (rule MB3).
   *
   * @throws EngineError NOT_ALLOWED for a member; NOT_FOUND for a person who is not in the org; INVALID for a name that is empty or over 200 characters, or a base that is no address; TOO_MANY where
   *   the org has 100 devices; SIZE where its devices cannot be shown to another any more
   */
  invite(invitation: DeviceInvitation): Promise<DeviceInvitationView>

  /**
   * Notes whether the admin found the same code on both devices. `true` gives the new device the org: its records, and the secrets that read them. `false` ends the
   * invitation.
   *
   * @throws EngineError NOT_ALLOWED for a member, or at another device than that which made the link; NOT_FOUND for no invitation; NOT_CONNECTED for one that shows no code
   */
  confirm(id: MailboxId, same: boolean): Promise<void>

  /** Ends an invitation whose codes nobody has confirmed. @throws EngineError NOT_ALLOWED for a member; NOT_FOUND for none that goes on */
  cancel(id: MailboxId): Promise<void>

  /** Names a device: a member its own, an admin any. @throws EngineError NOT_ALLOWED; NOT_FOUND; INVALID for a name that is empty or over 200 characters */
  rename(device: DeviceId, name: string): Promise<void>

  /**
   * Gives a device another role. It travels as soon as this device is online; of two admins who change devices at the same moment the second's change is made after the
   * first's.
   *
   * @throws EngineError NOT_ALLOWED for a member, or where no admin would be left; NOT_FOUND for a device that is not on the roster
   */
  setRole(device: DeviceId, role: Role): Promise<void>

  /**
   * Removes devices from the org, such as a lost one: the relay ends their sessions at once, peers take nothing of them any more, and the org's keys change by
   * themselves. What they had read until then stays readable to whoever opens them. They also read what a connected org sends until that org has answered with new keys of its
   * own, which takes an admin's device there that is online. What they have not sent is lost to the org.
   *
   * @throws EngineError NOT_ALLOWED for a member, or for this device; NOT_FOUND for a device that is not on the roster
   */
  remove(devices: readonly DeviceId[]): Promise<void>

  /**
   * Changes the org's keys, though nobody was removed. Does nothing while a change is on its way. It travels as soon as this device is online; until then the present keys
   * stay in use.
   *
   * @throws EngineError NOT_ALLOWED for a member, or after 255 changes
   */
  rotate(): Promise<void>

  /** How far the org is with its present keys, as this device knows. It goes on in the background, also after a reload. */
  keys(): KeyStatus
}
