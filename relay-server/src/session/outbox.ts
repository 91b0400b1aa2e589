import { encodeRelayFrame, limits, type RelayMessage } from '@entente/protocol'
import type { WebSocket } from 'ws'

/** Below this, a reader counts as keeping up and catching up goes on: it bounds what a live entry may have to wait behind. */
const drainedBytes = 64 * 1024
/** Above this, a reader gets no live entries: it catches up at its own pace, so that no more than this is held for it. */
const fullBytes = 512 * 1024
/** From this size on a message leaves as a frame of its own: what all readers share is not copied for each. */
const sharedBytes = 16 * 1024

/** Whoever has the outbox. */
export interface OutboxOwner {
  /** The reader was given up. */
  droppedForSlowness(): void
}

/**
 * All that the relay says to one socket. What is said in one turn of the loop leaves together, in as few frames as the frame limit allows;
 * a reader that does not take what is waiting for it is dropped at a bound of bytes or of time (rule SR1).
 */
export class Outbox {
  readonly #socket: WebSocket
  readonly #bound: number
  readonly #owner: OutboxOwner
  #isDropped = false
  // Lists are there only while something is in them: most sockets have nothing under way most of the time.
  #messages: Uint8Array[] | undefined
  #messageBytes = 0
  #scheduled = false
  /** When each frame that the socket has not taken yet was given to it, on the clock of `performance.now()`. */
  #undelivered: number[] | undefined
  #waiting: (() => void)[] | undefined

  constructor(socket: WebSocket, bound: number, owner: OutboxOwner) {
    this.#socket = socket
    this.#bound = bound
    this.#owner = owner
  }

  /** Bytes that the socket has not taken yet. */
  get queuedBytes(): number {
    return this.#messageBytes + this.#socket.bufferedAmount
  }

  /** For how long the oldest of them has been waiting, in ms; 0 where nothing waits. */
  oldestMs(now: number): number {
    const oldest = this.#undelivered?.[0]
    return oldest === undefined ? 0 : now - oldest
  }

  say(message: RelayMessage): void {
    this.sayEncoded(encodeRelayFrame([message]))
  }

  /** One message already encoded, which several sockets may share; where it is all that is said in this turn it is not even copied. */
  sayEncoded(message: Uint8Array): void {
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
        this.#send(frame)
        frame = []
        size = 0
      }
      if (message.length >= sharedBytes) {
        this.#send([message])
        continue
      }
      frame.push(message)
      size += message.length
    }
    if (size > 0) this.#send(frame)
  }

  /** Whether a reader is to be given time before it is paged on. */
  get isBusy(): boolean {
    return this.queuedBytes > drainedBytes
  }

  get isFull(): boolean {
    return this.queuedBytes > fullBytes
  }

  /** Gives the reader up; it may come back with its cursor. */
  drop(): void {
    if (this.#isDropped) return
    this.#isDropped = true
    this.#messages = undefined
    this.#messageBytes = 0
    this.#owner.droppedForSlowness()
    this.#socket.terminate()
  }

  /** Resolves, never in the same turn, when the socket has taken most of what waits for it, or has closed. */
  async drained(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    while (this.#socket.readyState === this.#socket.OPEN && this.isBusy) {
      await new Promise<void>((resolve) => (this.#waiting ??= []).push(resolve))
    }
  }

  /** Wakes whoever waits; to be called when the socket closes. */
  closed(): void {
    this.#wake()
  }

  #send(messages: readonly Uint8Array[]): void {
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
