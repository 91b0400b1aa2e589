import { type ClientMessage, encodeClientFrame, limits } from '@entente/protocol'

/** Packs the messages of one turn of the event loop into as few frames as hold them: subscribing to hundreds of feeds takes one. */
export class Outbox {
  readonly #send: (frame: Uint8Array) => void
  #messages: Uint8Array[] = []
  #bytes = 0
  #due = false

  constructor(send: (frame: Uint8Array) => void) {
    this.#send = send
  }

  say(message: ClientMessage): void {
    const bytes = encodeClientFrame([message])
    if (this.#bytes + bytes.length > limits.frameBytes) this.flush()
    this.#messages.push(bytes)
    this.#bytes += bytes.length
    if (this.#due) return
    this.#due = true
    void Promise.resolve().then(() => this.flush())
  }

  /** Sends the gathered messages. A frame is its messages one after the other. */
  flush(): void {
    this.#due = false
    if (this.#messages.length === 0) return
    const frame = new Uint8Array(this.#bytes)
    let end = 0
    for (const message of this.#messages) {
      frame.set(message, end)
      end += message.length
    }
    this.#messages = []
    this.#bytes = 0
    this.#send(frame)
  }
}
