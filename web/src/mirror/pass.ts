/** A field of the mirror, as the agreement describes it. Without slot it does not keep flowing and reads "not shared". */
export interface PassField {
  readonly field: {
    readonly name: string
    readonly label: string
    readonly type: string
    readonly picklist?: readonly { readonly value: string; readonly label: string }[]
  }
  readonly slot: string | undefined
}

/**
 * What this page needs to show one live mirror. Whoever holds the org's engine makes it (`sync.openDoor`) and hands it over; token and key are secrets, kept
 * in this page's memory only.
 */
export interface Pass {
  readonly object: string
  readonly peerName: string
  /** What the provider dials: `<relay>/gateway/<room>?token=<token>`. */
  readonly room: string
  readonly token: string
  /** ms since 1970 */
  readonly expires: number
  readonly feed: string
  readonly key: string
  readonly epoch: { readonly version: number; readonly number: number }
  /** 32 bytes */
  readonly sealKey: Uint8Array
  readonly fields: readonly PassField[]
}

/** Whether two passes open the same life of the doc, so that what was loaded with one goes on with the other. */
export function isSameDoc(a: Pass, b: Pass): boolean {
  return a.room === b.room && a.epoch.version === b.epoch.version && a.epoch.number === b.epoch.number
}
