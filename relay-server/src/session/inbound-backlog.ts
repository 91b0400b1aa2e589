/** A session that offers faster than the disk takes is not read from beyond this, in bytes. */
const sessionBytes = 4 * 1024 * 1024
/** Nor beyond this, which is about a frame, while so much waits of all sessions together: however many offer at once, the relay does not grow with them. */
const shareBytes = 256 * 1024
const allBytes = 64 * 1024 * 1024

/** What the sessions of a relay have sent and what still waits for the store, in bytes. */
export class InboundBacklog {
  #bytes = 0

  /** Counts what came, or, below zero, what is done with. */
  add(bytes: number): void {
    this.#bytes += bytes
  }

  /** Whether a session of whose messages so many bytes wait is to be left alone until some of them are done with. */
  isEnough(own: number): boolean {
    return own > sessionBytes || (own > shareBytes && this.#bytes > allBytes)
  }
}
