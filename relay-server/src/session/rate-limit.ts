import type { ClientMessage, Offer } from '@entente/protocol'
import type { RelayConfig } from '../config/config.js'
import { TokenBucket } from '../flow/token-bucket.js'

/** Refusals of rate in a row after which the session is ended. */
const patience = 1_000

/** What a session said beyond its rate. */
export interface Excess {
  readonly offers: readonly Offer[]
  /** Whether it goes on regardless, or floods with anything but offers. */
  readonly isFlood: boolean
  /** The milliseconds after which it may go on. */
  readonly retryMs: number
}

/** How fast one session may go (rule RL1): messages and offers, and bytes. */
export class RateLimit {
  readonly #messages: TokenBucket
  readonly #bytes: TokenBucket
  #refusedInARow = 0

  constructor(config: Pick<RelayConfig, 'messagesPerSecond' | 'bytesPerSecond' | 'burst'>, now: number) {
    this.#messages = new TokenBucket(config.messagesPerSecond, config.messagesPerSecond * config.burst, now)
    this.#bytes = new TokenBucket(config.bytesPerSecond, config.bytesPerSecond * config.burst, now)
  }

  /** Whether what was said so far no longer counts, so that a new one would do as well. */
  isForgotten(now: number): boolean {
    return this.#refusedInARow === 0 && this.#messages.isFull(now) && this.#bytes.isFull(now)
  }

  /** Takes the messages of one frame. @returns undefined where they are within the rate */
  take(bytes: number, messages: readonly ClientMessage[], now: number): Excess | undefined {
    const units = messages.reduce((sum, message) => sum + (message.type === 'publish' ? 1 + message.offers.length : 1), 0)
    const retryMs = Math.max(this.#messages.take(units, now), this.#bytes.take(bytes, now))
    if (retryMs === 0) {
      this.#refusedInARow = 0
      return undefined
    }
    this.#refusedInARow += units
    const offers = messages.flatMap((message) => (message.type === 'publish' ? message.offers : []))
    const isFlood = this.#refusedInARow > patience + offers.length || messages.some((message) => message.type !== 'publish')
    return { offers, isFlood, retryMs }
  }
}
