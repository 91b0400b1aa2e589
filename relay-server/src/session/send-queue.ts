import { encodeRelayFrame, limits, type RelayMessage } from '@entente/protocol'
import type { WebSocket } from 'ws'

/** Below this many bytes, a reader keeps up and its catch-up goes on. It bounds what a live entry may wait behind. */
const drainedBytes = 64 * 1024
/** Above this many bytes, a reader gets no live entries and catches up at its own pace, so the relay holds no more for it. */
const fullBytes = 512 * 1024
/** From this size on, in bytes, a message is a frame of its own, so that readers share it without a copy for each. */
const sharedBytes = 16 * 1024

/** The owner of a send queue. */
export interface SendQueueOwner {
  /** The send queue dropped its reader. */
  droppedForSlowness(): void
}

/**
 * The messages to one socket. Messages of one turn of the event loop leave together, in as few frames as the frame limit allows. The send queue drops a
 * slow reader at a bound of bytes or of time (rule SR1).
 */
export class SendQueue {
  readonly #socket: WebSocket
  readonly #bound: number
  readonly #owner: SendQueueOwner
  #isDropped = false
  // Lists exist only while they hold something: most sockets are idle most of the time.
  #messages: Uint8Array[] | undefined
  #messageBytes = 0
  #scheduled = false
  /** The times at which the unsent frames were passed to the socket, on the clock of `performance.now()`. */
  #undelivered: number[] | undefined
  #waiting: (() => void)[] | undefined

  constructor(socket: WebSocket, bound: number, owner: SendQueueOwner) {
    this.#socket = socket
    this.#bound = bound
    this.#owner = owner
  }

  /** Bytes that the socket has not taken yet. */
  get queuedBytes(): number {
    return this.#messageBytes + this.#socket.bufferedAmount
  }

  /** How long the oldest of those bytes has waited, in ms; 0 if none wait. */
  oldestMs(now: number): number {
    const oldest = this.#undelivered?.[0]
    return oldest === undefined ? 0 : now - oldest
  }

  send(message: RelayMessage): void {
    this.sendEncoded(encodeRelayFrame([message]))
  }

  /** Sends an encoded message that several sockets may share. If it is this turn's only message, it is not copied. */
  sendEncoded(message: Uint8Array): void {
    if (this.#isDropped) return
    this.#messages ??= []
    this.#messages.push(message)
    this.#messageBytes += message.length
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => this.flush())
  }

  flush(): void {
    this.#scheduled = false
    const messages = this.#messages ?? []
    this.#messages = undefined
    this.#messageBytes = 0
    if (this.#socket.readyState !== this.#socket.OPEN) return this.#wake()
    let frame: Uint8Array[] = []
    let size = 0
    for (const message of messages) {
      if (size > 0 && (message.length >= sharedBytes || size + message.length > limits.frameBytes)) {
        this.#sendFrame(frame)
        frame = []
        size = 0
      }
      if (message.length >= sharedBytes) {
        this.#sendFrame([message])
        continue
      }
      frame.push(message)
      size += message.length
    }
    if (size > 0) this.#sendFrame(frame)
  }

  /** Whether catch-up should wait before the reader's next page. */
  get isBusy(): boolean {
    return this.queuedBytes > drainedBytes
  }

  get isFull(): boolean {
    return this.queuedBytes > fullBytes
  }

  /** Drops the reader, which may come back with its cursor. */
  drop(): void {
    if (this.#isDropped) return
    this.#isDropped = true
    this.#messages = undefined
    this.#messageBytes = 0
    this.#owner.droppedForSlowness()
    this.#socket.terminate()
  }

  /** Resolves, never in the same turn, when the socket has taken most of the waiting bytes, or has closed. */
  async drained(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    while (this.#socket.readyState === this.#socket.OPEN && this.isBusy) {
      await new Promise<void>((resolve) => (this.#waiting ??= []).push(resolve))
    }
  }

  /** Resolves the pending waits; to be called when the socket closes. */
  closed(): void {
    this.#wake()
  }

  #sendFrame(messages: readonly Uint8Array[]): void {
    const [only] = messages
    if (this.#isDropped) return
    this.#undelivered ??= []
    this.#undelivered.push(performance.now())
    this.#socket.send(messages.length === 1 && only ? only : Buffer.concat(messages), () => this.#delivered())
    if (this.#socket.bufferedAmount > this.#bound) this.drop()
  }

  #delivered(): void {
    this.#undelivered?.shift()
    if (this.#undelivered?.length === 0) this.#undelivered = undefined
    this.#wake()
  }

  #wake(): void {
    if (!this.#waiting) return
    const waiting = this.#waiting
    this.#waiting = undefined
    for (const resolve of waiting) resolve()
  }
}
