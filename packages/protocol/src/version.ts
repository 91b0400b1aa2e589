/** The protocol versions that this package speaks. A change of any wire shape raises `newest` (rule W4). */
export const protocolVersions = { oldest: 1, newest: 1 } as const
