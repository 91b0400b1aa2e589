import { encodeRelayFrame, limits, type RelayMessage } from '@entente/protocol'
import type { WebSocket } from 'ws'

/** Below this, a reader counts as keeping up and catching up goes on. */
const drainedBytes = 256 * 1024

/**
 * All that the relay says to one socket. What is said in one turn of the loop leaves together, in as few frames as the frame limit allows;
 * a reader that does not take what is waiting for it is dropped at a bound (rule SR1).
 */
export class Outbox {
  readonly #socket: WebSocket
  readonly #bound: number
  readonly #dropped: () => void
  #messages: (readonly Uint8Array[])[] = []
  #scheduled = false
  #waiting: (() => void)[] = []

  constructor(socket: WebSocket, bound: number, dropped: () => void) {
    this.#socket = socket
    this.#bound = bound
    this.#dropped = dropped
  }

  say(message: RelayMessage): void {
    this.sayEncoded([encodeRelayFrame([message])])
  }

  /** One message already encoded, in parts that several sockets may share. */
  sayEncoded(parts: readonly Uint8Array[]): void {
    this.#messages.push(parts)
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => this.flush())
  }

  flush(): void {
    this.#scheduled = false
    const messages = this.#messages
    this.#messages = []
    if (this.#socket.readyState !== this.#socket.OPEN) return this.#wake()
    let frame: Uint8Array[] = []
    let size = 0
    for (const parts of messages) {
      const length = parts.reduce((sum, part) => sum + part.length, 0)
      if (size > 0 && size + length > limits.frameBytes) {
        this.#send(frame)
        frame = []
        size = 0
      }
      frame.push(...parts)
      size += length
    }
    if (size > 0) this.#send(frame)
  }

  /** Resolves, never in the same turn, when the socket has taken most of what waits for it, or has closed. */
  async drained(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    while (this.#socket.readyState === this.#socket.OPEN && this.#socket.bufferedAmount > drainedBytes) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  /** Wakes whoever waits; to be called when the socket closes. */
  closed(): void {
    this.#wake()
  }

  #send(parts: readonly Uint8Array[]): void {
    const [only] = parts
    this.#socket.send(parts.length === 1 && only ? only : Buffer.concat(parts), () => this.#wake())
    if (this.#socket.bufferedAmount > this.#bound) {
      this.#dropped()
      this.#socket.terminate()
    }
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}
