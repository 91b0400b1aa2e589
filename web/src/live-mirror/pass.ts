/** A field of the mirror, as the agreement describes it. A field without a slot does not keep flowing and shows "not shared". */
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
 * Everything this page needs to show one live mirror. A tab with the org's engine makes it (`sync.openGateway`). Token and key are secrets, kept in this page's
 * memory only.
 */
export interface Pass {
  readonly object: string
  readonly peerName: string
  /** The relay's gateway, `wss://…/gateway`. The provider dials `<gateway>/<room>?token=<token>`. */
  readonly gateway: string
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

/** Whether two passes open the same epoch of the same doc, so that a doc loaded with one continues with the other. */
export function isSameDoc(a: Pass, b: Pass): boolean {
  return a.room === b.room && a.epoch.version === b.epoch.version && a.epoch.number === b.epoch.number
}
