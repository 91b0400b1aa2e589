import { defaultConfig } from './config.js'
import { logLevels } from '../log.js'

/** A setting that cannot be used. The message names the setting, the reason and a valid form; it never holds a secret. */
export class SettingError extends Error {
  override readonly name = 'SettingError'
}

interface Setting {
  /** The value's placeholder in the help; undefined for a switch. */
  readonly value?: string
  readonly many?: true
  readonly help: string
}

const { host, port, data, socketsPerAddress, socketsPerSecond, silentSocketsPerAddress, admission, messagesPerSecond } = defaultConfig
const { slowReaderBytes, slowReaderMs, gatewayTokenMs, logLevel } = defaultConfig
const inList = 'visible in the process list'

/** Options of every command: where the store is. */
export const locationSettings = {
  data: { value: 'DIR', help: `directory of the embedded store (default ${data})` },
  store: { value: 'URL', help: `postgres://… for a PostgreSQL database instead (a password in the URL is ${inList})` },
} as const satisfies Readonly<Record<string, Setting>>

/** Further options of `serve`. */
export const serveSettings = {
  host: { value: 'ADDRESS', help: `address to listen on (default ${host})` },
  port: { value: 'PORT', help: `port to listen on, 0 for a free one (default ${port})` },
  web: { value: 'DIR', help: 'directory of the web app to serve (default: the one built beside this package)' },
  name: { value: 'HOST:PORT', many: true, help: 'host that devices dial, repeatable (default: loopback names)' },
  origin: {
    value: 'ORIGIN',
    many: true,
    help: 'origin of pages that may open a socket, repeatable (own host and loopback are always allowed)',
  },
  'tls-cert': { value: 'FILE', help: 'certificate with its chain, PEM; reloaded when the file changes, and on SIGHUP' },
  'tls-key': { value: 'FILE', help: 'private key of the certificate, PEM' },
  'trusted-proxy': { value: 'CIDR', many: true, help: 'proxy whose X-Forwarded headers the relay trusts, repeatable (default: none)' },
  'sockets-per-address': { value: 'COUNT', help: `sockets that one address may hold open (default ${socketsPerAddress})` },
  'sockets-per-second': { value: 'COUNT', help: `sockets that one address may open per second (default ${socketsPerSecond})` },
  'silent-sockets-per-address': {
    value: 'COUNT',
    help: `sockets without a session yet that one address may hold open (default ${silentSocketsPerAddress})`,
  },
  'messages-per-second': {
    value: 'COUNT',
    help: `offers and messages that one session may send per second (default ${messagesPerSecond})`,
  },
  'slow-reader-bytes': {
    value: 'BYTES',
    help: `bytes that may wait for one reader before the relay drops it (default ${slowReaderBytes})`,
  },
  'slow-reader-seconds': {
    value: 'SECONDS',
    help: `how long the oldest waiting byte may wait (default ${slowReaderMs / 1000})`,
  },
  'gateway-token-seconds': {
    value: 'SECONDS',
    help: `lifetime of a token of the y-websocket gateway (default ${gatewayTokenMs / 1000})`,
  },
  admission: { value: 'WHO', help: `who may use the relay: open, listed (see "orgs allow") or token (default ${admission})` },
  'join-token': { value: 'TOKEN', help: `token that admits an org that is not listed, with --admission token (${inList})` },
  'join-token-file': { value: 'FILE', help: 'file that holds the join token' },
  'quota-bytes': { value: 'BYTES', help: 'bytes that one org may hold, 0 for no limit (default 0)' },
  'quota-docs': { value: 'COUNT', help: 'docs that one org may hold, 0 for no limit (default 0)' },
  'quota-connections': { value: 'COUNT', help: 'connections that one org may have, 0 for no limit (default 0)' },
  'admin-token': { value: 'TOKEN', help: `opens /metrics and the admin page (default: one that the relay makes and prints; ${inList})` },
  'admin-token-file': { value: 'FILE', help: 'file that holds the admin token' },
  'log-level': { value: 'LEVEL', help: `${logLevels.join(', ')} (default ${logLevel})` },
} as const satisfies Readonly<Record<string, Setting>>

/** Further options of the other commands. */
export const commandSettings = {
  json: { help: 'print JSON' },
  bytes: { value: 'N', help: 'bytes that the org may hold; 0 for no limit, "default" for the relay’s quota' },
  docs: { value: 'N', help: 'docs that the org may hold, likewise' },
  connections: { value: 'N', help: 'connections that the org may have, likewise' },
} as const satisfies Readonly<Record<string, Setting>>

export const settings: Readonly<Record<string, Setting>> = { ...locationSettings, ...serveSettings, ...commandSettings }

export type SettingName = keyof typeof locationSettings | keyof typeof serveSettings | keyof typeof commandSettings

export function helpOf(group: Readonly<Record<string, Setting>>): string {
  return Object.entries(group)
    .map(([name, { value, help }]) => `  --${[name, value].filter(Boolean).join(' ').padEnd(28)} ${help}\n`)
    .join('')
}

export function variableOf(name: string): string {
  return `ENTENTE_RELAY_${name.toUpperCase().replaceAll('-', '_')}`
}
