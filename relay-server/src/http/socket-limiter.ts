import { isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Metrics } from '../observe/metrics.js'

/** Counts the open sockets of each address (rule RL2). */
export class SocketLimiter {
  readonly #metrics: Pick<Metrics, 'socketOpened' | 'socketClosed'>
  readonly #addresses = new Map<string, AddressSockets>()

  constructor(metrics: Pick<Metrics, 'socketOpened' | 'socketClosed'>) {
    this.#metrics = metrics
  }

  countAt(address: string): number {
    return this.#addresses.get(address)?.sockets ?? 0
  }

  /** Counts a socket for as long as it is open. */
  enter(address: string, socket: Duplex): void {
    const counted = this.#addresses.get(address) ?? this.#newAddress(address)
    counted.sockets++
    this.#metrics.socketOpened()
    socket.on('close', counted.leave)
  }

  /** The sockets of an address share one listener, which keeps no request alive. */
  #newAddress(address: string): AddressSockets {
    const counted: AddressSockets = {
      sockets: 0,
      leave: () => {
        this.#metrics.socketClosed()
        if (--counted.sockets === 0) this.#addresses.delete(address)
      },
    }
    this.#addresses.set(address, counted)
    return counted
  }
}

interface AddressSockets {
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
