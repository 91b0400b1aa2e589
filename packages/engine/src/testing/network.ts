import type { RandomBytes } from '../port/random.js'
import { ManualClock } from './clock.js'
import { seededRandom } from './random.js'
import { MemoryRelay, type MemoryRelayOptions } from './relay.js'
import { pause, turn } from './turn.js'

/** What a network asks of a device in order to know whether anything is under way there. */
export interface NetworkDevice {
  /** Whether the device has nothing to do and nothing to send. A device that was cut off has nothing to send. */
  readonly isAtRest: boolean
  /** What the device would show of its line and its problems, for the message of a wait that was in vain. */
  describe(): string
}

export interface MemoryNetworkOptions {
  /** Of all randomness but keys. The same seed gives the same ids. Default 1. */
  readonly seed?: number
  readonly relay?: Partial<MemoryRelayOptions>
  /** Waits for all that is under way without the clock. Default: a millisecond of real time, after which the platform's cryptography may still be at work. */
  readonly rest?: () => Promise<void>
}

/** For how long a wait goes on, in milliseconds of the network's clock. */
const patienceMs = 15_000

/**
 * One relay in memory, one clock, and the devices at them.
 *
 * Guarantee: no frame arrives and no timer runs unless the test turns the clock, by one of the methods below. Between two awaited calls of an engine the
 * test therefore decides what the other org has heard. While a wait lasts, the clock runs no faster than real time: work of the platform's cryptography
 * never looks like a timeout.
 */
export class MemoryNetwork {
  readonly clock = new ManualClock()
  readonly relay: MemoryRelay
  readonly #devices = new Set<NetworkDevice>()
  readonly #turn: () => Promise<void>
  readonly #wait: () => Promise<void>
  #seed: number

  constructor(options: MemoryNetworkOptions = {}) {
    this.#seed = options.seed ?? 1
    this.#turn = options.rest ?? turn
    this.#wait = options.rest ?? (() => pause(1))
    this.relay = new MemoryRelay({ clock: this.clock, random: this.random(), ...options.relay })
  }

  /** Random bytes of a new seed, for one more device. */
  random(): RandomBytes {
    return seededRandom(this.#seed++)
  }

  /** Devices of the network are those that `settle` waits for. Returns the function that takes the device away again. */
  add(device: NetworkDevice): () => void {
    this.#devices.add(device)
    return () => this.#devices.delete(device)
  }

  /** Whether nothing is under way at these devices or between them. Of use in the condition of `until`. */
  isAtRest(devices: Iterable<NetworkDevice> = this.#devices): boolean {
    const isDue = (this.clock.untilNext() ?? Number.POSITIVE_INFINITY) <= 0
    return !isDue && [...devices].every((device) => device.isAtRest)
  }

  /** Turns the clock until these devices, or all that are open, are at rest. @throws Error with what each of them shows, after 15 s of the clock */
  async settle(...devices: readonly NetworkDevice[]): Promise<void> {
    const awaited = devices.length > 0 ? devices : [...this.#devices]
    await this.until('rest', () => this.isAtRest(awaited))
  }

  /** Turns the clock until something holds. @throws Error with `what` and what each device shows, after `ms` of the clock */
  async until(what: string, holds: () => boolean, ms = patienceMs): Promise<void> {
    for (const end = this.clock.now() + ms; this.clock.now() <= end;) {
      this.clock.advance(0)
      await this.#turn()
      if (holds()) return
      if (this.clock.untilNext() === 0) continue
      await this.#wait()
      // What came about without the clock is seen before the clock carries it any further.
      if (holds()) return
      this.clock.advance(1)
    }
    throw new Error(`Did not come about: ${what}. ${[...this.#devices].map((device) => device.describe()).join(' ')}`)
  }

  /** Turns the clock by `ms` milliseconds, as slowly as real time. For hours, use `clock.advance`. */
  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed++) {
      await this.#wait()
      this.clock.advance(1)
    }
    await this.#turn()
  }

  /** Turns the clock until a piece of work that needs it is done. @throws what the work throws */
  async finish<T>(work: Promise<T>): Promise<T> {
    let isDone = false
    const note = (): void => void (isDone = true)
    work.then(note, note)
    await this.until('the end of the work', () => isDone)
    return work
  }
}
