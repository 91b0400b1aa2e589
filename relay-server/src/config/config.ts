import { limits } from '@entente/protocol'
import type { LogLevel } from '../log.js'
import type { Quota } from '../store/account.js'
import type { StoreLocation } from '../store/store.js'

/** Who may use a relay: every org, those on its list, or those that bring its join token (and those on the list). */
export const admissions = ['open', 'listed', 'token'] as const
export type Admission = (typeof admissions)[number]

/** PEM files of the relay's own certificate (with the chain) and its key. */
export interface TlsFiles {
  readonly cert: string
  readonly key: string
}

/** The configuration of a relay. Sizes in bytes, times in milliseconds. */
export interface RelayConfig extends StoreLocation {
  readonly host: string
  /** 0 takes a free port. */
  readonly port: number
  /** The directory of the built web app, or undefined to serve none. */
  readonly web: string | undefined
  /** The names (host and port, as devices dial them) that a hello may be made for. Empty: the loopback names with the listening port. */
  readonly names: readonly string[]
  /** Origins of pages, beside the relay's own and loopback ones, that may open a socket. */
  readonly origins: readonly string[]
  readonly socketsPerAddress: number
  /** Sockets that one address may ask for in a second. A short burst may be twenty times as large. */
  readonly socketsPerSecond: number
  /** Sockets of one address, and of all, whose sessions have not opened. */
  readonly silentSocketsPerAddress: number
  readonly silentSockets: number
  readonly admission: Admission
  /** The token that admits an org that is not on the list, with `admission` 'token'. Never logged. */
  readonly joinToken: string | undefined
  /** The quota of an org for which the operator set no other. */
  readonly quota: Quota
  /** The token for the admin page and `/metrics`. Without one the relay makes its own. Never logged. */
  readonly adminToken: string | undefined
  /** Undefined for plain HTTP, behind a proxy or on the loopback. */
  readonly tls: TlsFiles | undefined
  /** Addresses and networks (CIDR) of proxies whose X-Forwarded headers the relay trusts. */
  readonly trustedProxies: readonly string[]
  readonly logLevel: LogLevel
  /** Offers and messages, and bytes, that one session may send per second. A short burst may be `burst` times as large. */
  readonly messagesPerSecond: number
  readonly bytesPerSecond: number
  readonly burst: number
  /** Bytes that may wait for one reader before the relay drops it. */
  readonly slowReaderBytes: number
  /** How long the oldest of those bytes may wait. */
  readonly slowReaderMs: number
  /** Updates behind a doc's merged state at which the relay merges it again. */
  readonly tailUpdates: number
  readonly helloMs: number
  readonly headersMs: number
  readonly heartbeatMs: number
  readonly gatewayTokenMs: number
  /** How often the relay checks the certificate's files. */
  readonly certificateMs: number
  /** How often the relay clears ended invitations. */
  readonly sweepMs: number
}

export const defaultConfig: RelayConfig = {
  host: '127.0.0.1',
  port: 8787,
  data: './relay-data',
  store: undefined,
  web: undefined,
  names: [],
  origins: [],
  socketsPerAddress: 1_000,
  socketsPerSecond: 50,
  silentSocketsPerAddress: 200,
  silentSockets: 2_000,
  admission: 'open',
  joinToken: undefined,
  quota: { bytes: 0, docs: 0, connections: 0 },
  adminToken: undefined,
  tls: undefined,
  trustedProxies: [],
  logLevel: 'info',
  messagesPerSecond: 50_000,
  bytesPerSecond: 32 * 1024 * 1024,
  burst: 3,
  slowReaderBytes: 4 * 1024 * 1024,
  slowReaderMs: 30_000,
  tailUpdates: 16,
  helloMs: limits.helloMs,
  headersMs: 10_000,
  heartbeatMs: limits.heartbeatMs,
  gatewayTokenMs: 10 * 60 * 1000,
  certificateMs: 10_000,
  sweepMs: 60_000,
}
