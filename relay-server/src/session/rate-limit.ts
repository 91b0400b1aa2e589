import type { ClientMessage, Offer } from '@entente/protocol'
import type { RelayConfig } from '../config/config.js'
import { TokenBucket } from '../flow/token-bucket.js'

/** Consecutive rate refusals after which the session ends. */
const patience = 1_000

/** An excess over a session's rate. */
export interface Excess {
  readonly offers: readonly Offer[]
  /** Whether the session ignores the delay, or floods with messages other than offers. */
  readonly isFlood: boolean
  /** After how many ms the session may go on. */
  readonly retryMs: number
}

/** The rate limit of one session (rule RL1): messages and offers, and bytes. */
export class RateLimit {
  readonly #messages: TokenBucket
  readonly #bytes: TokenBucket
  #refusedInARow = 0

  constructor(config: Pick<RelayConfig, 'messagesPerSecond' | 'bytesPerSecond' | 'burst'>, now: number) {
    this.#messages = new TokenBucket(config.messagesPerSecond, config.messagesPerSecond * config.burst, now)
    this.#bytes = new TokenBucket(config.bytesPerSecond, config.bytesPerSecond * config.burst, now)
  }

  /** Whether both buckets are full again, so that a new limit would do as well. */
  isUnused(now: number): boolean {
    return this.#refusedInARow === 0 && this.#messages.isFull(now) && this.#bytes.isFull(now)
  }

  /** Counts the messages of one frame. @returns undefined when they are within the rate */
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
