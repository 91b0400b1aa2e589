import type { DeviceId, OrgId, Role } from '@entente/protocol'

/** Clocks of devices and of the relay may differ by this much, in seconds. */
export const clockToleranceSeconds = 5 * 60

/** The device behind a session, and its org. */
export interface Identity {
  readonly org: OrgId
  readonly device: DeviceId
  readonly role: Role
  /** When the certificate expires, in seconds since 1970. */
  readonly expires: number
}

/** Whether the certificate has expired, with the tolerance for clocks added. @param now ms since 1970 */
export function hasEnded({ expires }: Identity, now: number): boolean {
  return expires + clockToleranceSeconds <= Math.floor(now / 1000)
}
