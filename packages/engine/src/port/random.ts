/** Returns `length` cryptographically strong random bytes. */
export type RandomBytes = (length: number) => Uint8Array
