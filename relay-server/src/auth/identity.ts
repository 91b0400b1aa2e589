import type { DeviceId, OrgId, Role } from '@entente/protocol'

/** Clocks of devices and of the relay may differ by this much, in seconds. */
export const clockToleranceSeconds = 5 * 60

/** Who has a session. */
export interface Identity {
  readonly org: OrgId
  readonly device: DeviceId
  readonly role: Role
  /** Seconds since 1970: the end of the certificate. */
  readonly expires: number
}

/** Whether the certificate has ended, for all the difference that clocks may have. @param now milliseconds since 1970 */
export function hasEnded({ expires }: Identity, now: number): boolean {
  return expires + clockToleranceSeconds <= Math.floor(now / 1000)
}
