/** A key of the org's store: its first part says what is stored, e.g. `['row', object, id]`. */
export type StoreKey = readonly [kind: string, ...parts: string[]]

export type Write =
  | { readonly put: StoreKey; readonly value: unknown }
  | { readonly delete: StoreKey }
  /** Deletes every key that begins with these parts. */
  | { readonly deleteAll: StoreKey }

export interface Change<T> {
  readonly writes: readonly Write[]
  readonly result: T
}

/**
 * Where one org's state is kept on one device. Values are what structured clone carries (plain data, Uint8Array, CryptoKey).
 *
 * Guarantee: `update` is one transaction. Either all of its writes are there, also after the tab or the browser is killed, or none is, and
 * then the promise rejects with a StoreError. Two updates never interleave, also not from two tabs.
 */
export interface Store {
  /** Reads keys, hands their values (undefined where absent) to `change`, which runs synchronously, and does its writes. */
  update<T>(reads: readonly StoreKey[], change: (values: readonly unknown[]) => Change<T>): Promise<T>
  /** The values of keys, in their order. */
  get(keys: readonly StoreKey[]): Promise<readonly unknown[]>
  /** Keys that begin with `prefix` and their values, in key order; at most `limit`, from the first key above `after`. */
  scan(
    prefix: StoreKey,
    options?: { readonly after?: StoreKey; readonly limit?: number },
  ): Promise<readonly (readonly [StoreKey, unknown])[]>
  close(): Promise<void>
}

/**
 * Why the store said no. QUOTA: the device has no room left. ABORTED: the transaction was given up, nothing was written. NEWER: written by a
 * newer version of this library; reload the page. BLOCKED: another tab holds an older version open. CLOSED: the store was closed.
 */
export type StoreErrorCode = 'QUOTA' | 'ABORTED' | 'NEWER' | 'BLOCKED' | 'CLOSED'

export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly code: StoreErrorCode

  constructor(code: StoreErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}
