/**
 * The protocol versions that this package speaks. A change of any wire shape raises `newest` (rule W4).
 *
 * - 2: sessions are resumed (rule ID6); a relay offers that to nobody who speaks 1.
 */
export const protocolVersions = { oldest: 1, newest: 2 } as const

/** From this version on a device takes a `resumption`. */
export const resumptionVersion = 2
