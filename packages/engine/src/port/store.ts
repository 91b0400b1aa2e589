/** A key of the store. Its first part names what is stored, as in `['row', object, id]`. */
export type StoreKey = readonly [kind: string, ...parts: string[]]

/** One write of a transaction. */
export type Write =
  | { readonly put: StoreKey; readonly value: unknown }
  | { readonly delete: StoreKey }
  /** Deletes every key that begins with all of these parts. */
  | { readonly deleteAll: StoreKey }

/** What a transaction writes, and the result that it hands to its caller. */
export interface Change<T> {
  readonly writes: readonly Write[]
  readonly result: T
}

/**
 * One org's state on one device. Values are what structured clone carries: plain data, Uint8Array, CryptoKey. Every method rejects with a StoreError.
 *
 * The guarantees:
 *
 * - `update` is one transaction. When it resolves, all of its writes are stored, even if the tab or the browser is killed. When it rejects, none is.
 * - Two updates never interleave, not even from two tabs.
 */
export interface Store {
  /**
   * Reads `reads`, passes their values to `change`, and applies the writes that it returns.
   *
   * @param change runs synchronously; a value is undefined where its key is absent. What it throws ends the transaction, and `update` rejects with it
   */
  update<T>(reads: readonly StoreKey[], change: (values: readonly unknown[]) => Change<T>): Promise<T>
  /** The values of `keys`, in the same order; undefined for an absent key. */
  get(keys: readonly StoreKey[]): Promise<readonly unknown[]>
  /** The keys that begin with `prefix`, with their values, in key order: at most `limit`, from the first key above `after`. */
  scan(
    prefix: StoreKey,
    options?: { readonly after?: StoreKey; readonly limit?: number },
  ): Promise<readonly (readonly [StoreKey, unknown])[]>
  /** Closes the store. Later calls reject with CLOSED. */
  close(): Promise<void>
}

/**
 * Why the store rejected a call. docs/errors.md explains each.
 *
 * - `QUOTA`: the device has no room left.
 * - `ABORTED`: the transaction was aborted; nothing was written.
 * - `NEWER`: a newer version of this library wrote the store; the page must be reloaded.
 * - `BLOCKED`: another tab holds an older version of the store open.
 * - `CLOSED`: the store is closed.
 */
export type StoreErrorCode = 'QUOTA' | 'ABORTED' | 'NEWER' | 'BLOCKED' | 'CLOSED'

/** An error of the store. Nothing was changed. A page meets it as the `cause` of an EngineError STORE. Its message holds no key and no value. */
export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly code: StoreErrorCode

  constructor(code: StoreErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}
