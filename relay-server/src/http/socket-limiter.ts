import { isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import type { RelayConfig } from '../config/config.js'
import { LruMap } from '../flow/lru.js'
import { TokenBucket } from '../flow/token-bucket.js'
import type { Metrics } from '../observe/metrics.js'
import { Burden } from '../flow/burden.js'
import type { Address } from '../session/stranger.js'

/** The seconds of an address's rate that it may use at once, so that all devices behind it can return at the same time. */
const burstSeconds = 20
/** What an address is taken to have used that is not known, in ms: those who are here already, and ask for little, go first. */
const strangerMs = 100
/** A plain request counts as this much of a socket. */
const requestCost = 1 / 10
/** Addresses whose rates are remembered. Whoever has more of them is counted anew. */
const keptAddresses = 10_000

type Bounds = Pick<RelayConfig, 'socketsPerAddress' | 'socketsPerSecond' | 'silentSocketsPerAddress'>

/** The sockets of each address: how many are open, how many of them have said no hello, and how many it may open in a second (rule RL2). */
export class SocketLimiter {
  readonly #bounds: Bounds
  readonly #metrics: Pick<Metrics, 'socketOpened' | 'socketClosed'>
  readonly #open = new Map<string, OpenSockets>()
  readonly #rates = new LruMap<string, Rate>(keptAddresses)

  constructor(bounds: Bounds, metrics: Pick<Metrics, 'socketOpened' | 'socketClosed'>) {
    this.#bounds = bounds
    this.#metrics = metrics
  }

  /** Whether an address has used up its rate, so that whatever it asks for will be refused. */
  isSpent(address: string, now: number): boolean {
    return this.#rates.get(address)?.bucket.holds(1, now) === false
  }

  /** Counts what an address should not have done as so many sockets. */
  charge(address: string, sockets: number): void {
    const now = performance.now()
    this.#rateOf(address, now).bucket.charge(sockets, now)
  }

  /** Counts a plain request. @returns whether the address may have an answer */
  mayAsk(address: string, now: number): boolean {
    return this.#rateOf(address, now).bucket.take(requestCost, now) === 0
  }

  /** What an address has lately used of the relay's time. */
  burdenOf(address: string): Burden {
    return this.#rateOf(address, performance.now()).burden
  }

  /**
   * Counts a request for a socket.
   *
   * @returns whether the address may have one; 'told' where not, and it has been told since it last could
   */
  ask(address: string, now: number): 'yes' | 'no' | 'told' {
    const rate = this.#rateOf(address, now)
    const open = this.#open.get(address)
    const { socketsPerAddress, silentSocketsPerAddress } = this.#bounds
    const isFull = (open?.sockets ?? 0) >= socketsPerAddress || (open?.silent ?? 0) >= silentSocketsPerAddress
    // Also where it has too many open: asking again costs too.
    if (rate.bucket.take(1, now) === 0 && !isFull) {
      rate.isTold = false
      return 'yes'
    }
    if (rate.isTold) return 'told'
    rate.isTold = true
    return 'no'
  }

  /** Counts a socket for as long as it is open. */
  enter(address: string, socket: Duplex): Address {
    const counted = this.#open.get(address) ?? this.#newAddress(address)
    counted.sockets++
    this.#metrics.socketOpened()
    socket.on('close', counted.leave)
    return counted
  }

  #rateOf(address: string, now: number): Rate {
    const known = this.#rates.get(address)
    if (known) return known
    const { socketsPerSecond } = this.#bounds
    const rate = {
      bucket: new TokenBucket(socketsPerSecond, socketsPerSecond * burstSeconds, now),
      isTold: false,
      burden: new Burden(strangerMs),
    }
    this.#rates.set(address, rate)
    return rate
  }

  /** The sockets of an address share one listener, which keeps no request alive. */
  #newAddress(address: string): OpenSockets {
    const counted: OpenSockets = {
      sockets: 0,
      silent: 0,
      burden: this.burdenOf(address),
      charge: (sockets) => this.charge(address, sockets),
      leave: () => {
        this.#metrics.socketClosed()
        if (--counted.sockets === 0) this.#open.delete(address)
      },
    }
    this.#open.set(address, counted)
    return counted
  }
}

interface Rate {
  readonly bucket: TokenBucket
  readonly burden: Burden
  /** Whether it has been told that it asks too often, and has not been given a socket since. */
  isTold: boolean
}

interface OpenSockets extends Address {
  sockets: number
  readonly leave: () => void
}

/**
 * The unit in which sockets are counted: an IPv4 address, or the first 64 bits of an IPv6 address, because a client with one address of a /64 network
 * has all of them.
 */
export function countedAs(address: string): string {
  if (isIP(address) !== 6 || !URL.canParse(`http://[${address}]`)) return address
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const first = head === '' ? [] : head.split(':')
  const last = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - first.length - last.length }, () => '0')
  return `${[...first, ...zeros, ...last].slice(0, 4).join(':')}::/64`
}
