/** The contents of a store in numbers. Sizes in bytes. */
export interface StoreStats {
  /** The size of the files or tables, dead space included. */
  readonly diskBytes: number
  readonly orgs: number
  readonly feeds: number
  /** Keys that hold something. */
  readonly docs: number
  readonly tombstones: number
  /** Updates that wait behind merged states. */
  readonly tailUpdates: number
  readonly invitations: number
  readonly incarnations: number
}
