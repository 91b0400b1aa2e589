import type { RandomBytes } from '../port/random.js'
import { ManualClock } from './clock.js'
import { seededRandom } from './random.js'
import { MemoryRelay, type MemoryRelayOptions } from './relay.js'
import { isAtWork, pieceOfWork } from './platform-work.js'
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
  /** Waits for all that is under way without the clock. Default: a turn of the platform, after which its cryptography may still be at work. */
  readonly rest?: () => Promise<void>
}

/** How far the clock goes at once, in milliseconds: work that yields between its parts, as a passphrase's does, takes several of the platform's turns. */
const leapMs = 20
/** For how long a wait goes on, in milliseconds of the network's clock. */
const patienceMs = 15_000

/**
 * One relay in memory, one clock, and the devices at them.
 *
 * Guarantee: no frame arrives and no timer runs unless the test turns the clock, by one of the methods below. Between two awaited calls of an engine the
 * test therefore decides what the other org has heard. While a wait lasts, the clock goes on from timer to timer, and by a millisecond for each piece of
 * the platform's cryptography: its work never looks like a timeout, however slow the machine is.
 */
export class MemoryNetwork {
  readonly clock = new ManualClock()
  readonly relay: MemoryRelay
  readonly #devices = new Set<NetworkDevice>()
  readonly #rest: (() => Promise<void>) | undefined
  #seed: number

  constructor(options: MemoryNetworkOptions = {}) {
    this.#seed = options.seed ?? 1
    this.#rest = options.rest
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
    if (await this.#turn(ms, holds)) return
    throw new Error(`Did not come about: ${what}. ${[...this.#devices].map((device) => device.describe()).join(' ')}`)
  }

  /**
   * As `until`, for what takes minutes: turns the clock in steps of a second, and has what is under way come to its end between them.
   * @throws Error after so many seconds of the clock
   */
  async untilLater(what: string, holds: () => boolean, seconds = 120): Promise<void> {
    for (let second = 0; second < seconds; second++) {
      await this.pass(10)
      if (holds()) return
      this.clock.advance(1_000)
    }
    await this.until(what, holds, 0)
  }

  /** Turns the clock by `ms` milliseconds, timer by timer, and lets everything run in between. For hours, use `clock.advance`. */
  async pass(ms: number): Promise<void> {
    await this.#turn(ms, () => false)
  }

  /** Turns the clock by `ms` at most. @returns whether something came to hold, which is looked at before each step of the clock */
  async #turn(ms: number, holds: () => boolean): Promise<boolean> {
    for (const end = this.clock.now() + ms; ;) {
      this.clock.advance(0)
      await (this.#rest?.() ?? turn())
      if (holds()) return true
      const left = end - this.clock.now()
      if (left <= 0) return false
      const next = this.clock.untilNext() ?? left
      if (next <= 0) continue
      const isWorking = isAtWork()
      await (isWorking ? pieceOfWork() : (this.#rest?.() ?? pause(1)))
      if (holds()) return true
      this.clock.advance(Math.min(left, next, isWorking ? 1 : leapMs))
    }
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
