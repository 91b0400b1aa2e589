/** The relay stops reading from a session whose offers outrun the disk by more than this, in bytes. */
const sessionBytes = 1024 * 1024
/** While all sessions together exceed `allBytes`, each may keep only about one frame waiting, so memory does not grow with the number of sessions. */
const shareBytes = 256 * 1024
const allBytes = 16 * 1024 * 1024

/** The bytes of all sessions' messages that still wait for the store. */
export class InboundBacklog {
  #bytes = 0

  /** Adds received bytes, or subtracts completed ones. */
  add(bytes: number): void {
    this.#bytes += bytes
  }

  /** Whether to stop reading from a session until some of its waiting bytes are done. */
  isEnough(own: number): boolean {
    return own > sessionBytes || (own > shareBytes && this.#bytes > allBytes)
  }
}
