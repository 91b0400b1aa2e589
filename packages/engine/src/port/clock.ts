/** Time, passed in so that tests own it. */
export interface Clock {
  /** Milliseconds since 1970 by the device's own clock; may be wrong and may jump. */
  now(): number
  /** Calls back once after a delay in milliseconds; the result cancels. */
  after(ms: number, call: () => void): () => void
}
