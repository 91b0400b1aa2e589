import { type ClientMessage, limits, type Offer } from '@entente/protocol'
import type { RelayConfig } from '../config/config.js'
import { TokenBucket } from '../flow/token-bucket.js'

/** What requests, messages other than offers, may cost in a second. The first ones may come at once, for a device that returns with all its feeds. */
const requestsPerSecond = 500
/** What a request costs, where it is more than 1. A device needs few of these: a ping a heartbeat, a token for each mirror that a page shows. */
const requestCosts: Partial<Record<ClientMessage['type'], number>> = { ping: 8, pong: 8, askGateway: 8, invite: 32, claim: 32 }
/** What an offer that the relay judged and refused counts as, beyond the one that every offer counts as: it cost as much and brought nothing. */
const refusedOfferCost = 32
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
  readonly #requests: TokenBucket
  #refusedInARow = 0

  constructor(config: Pick<RelayConfig, 'messagesPerSecond' | 'bytesPerSecond' | 'burst'>, now: number) {
    this.#messages = new TokenBucket(config.messagesPerSecond, config.messagesPerSecond * config.burst, now)
    this.#bytes = new TokenBucket(config.bytesPerSecond, config.bytesPerSecond * config.burst, now)
    this.#requests = new TokenBucket(requestsPerSecond, limits.messagesPerFrame, now)
  }

  /** Whether all buckets are full again, so that a new limit would do as well. */
  isUnused(now: number): boolean {
    return this.#refusedInARow === 0 && [this.#messages, this.#bytes, this.#requests].every((bucket) => bucket.isFull(now))
  }

  /** Counts offers that were judged and refused. */
  refused(offers: number, now: number): void {
    this.#messages.charge(offers * refusedOfferCost, now)
  }

  /** After how many ms offers that wait to be judged may be; 0 where they may at once. */
  overdrawnMs(now: () => number): number {
    return this.#messages.lacksForMs(now)
  }

  /** Counts the messages of one frame. @returns undefined when they are within the rate */
  take(bytes: number, messages: readonly ClientMessage[], now: number): Excess | undefined {
    const units = messages.reduce((sum, message) => sum + (message.type === 'publish' ? 1 + message.offers.length : 1), 0)
    const requests = costOf(messages)
    const retryMs = Math.max(this.#messages.take(units, now), this.#bytes.take(bytes, now), this.#requests.take(requests, now))
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

/** What messages other than offers cost. */
export function costOf(messages: readonly ClientMessage[]): number {
  return messages.reduce((sum, message) => {
    const isOffers = message.type === 'publish' && message.offers.length > 0
    return isOffers ? sum : sum + (requestCosts[message.type] ?? 1)
  }, 0)
}
