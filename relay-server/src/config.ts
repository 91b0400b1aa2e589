import { limits } from '@entente/protocol'
import type { LogLevel } from './log.js'

/** How a relay is set up. Sizes in bytes, times in milliseconds. */
export interface RelayConfig {
  readonly host: string
  /** 0 takes a free port. */
  readonly port: number
  /** The directory of the store. */
  readonly data: string
  /** The directory of the built web app, or undefined to serve none. */
  readonly web: string | undefined
  /** The names (host and port, as devices dial them) that a hello may be addressed to. Empty: the loopback names with the listening port. */
  readonly names: readonly string[]
  /** Origins of pages, beside the relay's own and loopback ones, that may open a socket. */
  readonly origins: readonly string[]
  readonly socketsPerAddress: number
  readonly logLevel: LogLevel
  /** Offers and messages a session may send per second, and bytes; for a short time it may send `burst` times as much. */
  readonly messagesPerSecond: number
  readonly bytesPerSecond: number
  readonly burst: number
  /** What may wait for a slow reader before it is dropped. */
  readonly slowReaderBytes: number
  /** Updates behind a doc's merged state from which it is merged again. */
  readonly tailUpdates: number
  readonly helloMs: number
  readonly headersMs: number
  readonly heartbeatMs: number
  readonly doorMs: number
  /** How often what has ended (invitations, door tokens) is cleared away. */
  readonly sweepMs: number
}

export const defaultConfig: RelayConfig = {
  host: '127.0.0.1',
  port: 8787,
  data: './relay-data',
  web: undefined,
  names: [],
  origins: [],
  socketsPerAddress: 1_000,
  logLevel: 'info',
  messagesPerSecond: 50_000,
  bytesPerSecond: 32 * 1024 * 1024,
  burst: 3,
  slowReaderBytes: 8 * 1024 * 1024,
  tailUpdates: 16,
  helloMs: limits.helloMs,
  headersMs: 10_000,
  heartbeatMs: limits.heartbeatMs,
  doorMs: 10 * 60 * 1000,
  sweepMs: 60_000,
}
