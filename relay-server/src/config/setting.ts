import { defaultConfig } from './config.js'
import { logLevels } from '../log.js'

/** A setting that cannot be used; its message says which, why, and what to write instead, and never holds a secret. */
export class SettingError extends Error {
  override readonly name = 'SettingError'
}

interface Setting {
  /** What stands for the value in the help; undefined for a switch. */
  readonly value?: string
  readonly many?: true
  readonly help: string
}

const { host, port, data, socketsPerAddress, admission, messagesPerSecond, slowReaderBytes, slowReaderMs, gatewayTokenMs, logLevel } =
  defaultConfig
const inList = 'visible in the process list'

/** Where the store is: what every command takes. */
export const locationSettings = {
  data: { value: 'DIR', help: `directory of the embedded store (default ${data})` },
  store: { value: 'URL', help: `postgres://… for a PostgreSQL database instead (a password in it is ${inList})` },
} as const satisfies Readonly<Record<string, Setting>>

/** What `serve` takes besides. */
export const serveSettings = {
  host: { value: 'ADDRESS', help: `address to listen on (default ${host})` },
  port: { value: 'PORT', help: `port to listen on, 0 for a free one (default ${port})` },
  web: { value: 'DIR', help: 'directory of the web app to serve (default: the one built beside this package)' },
  name: { value: 'HOST:PORT', many: true, help: 'name under which devices dial this relay, may be repeated (default: loopback names)' },
  origin: {
    value: 'ORIGIN',
    many: true,
    help: 'origin of pages that may open a socket, may be repeated (own host and loopback always may)',
  },
  'tls-cert': { value: 'FILE', help: 'certificate with its chain, PEM; read again when the file changes, and on SIGHUP' },
  'tls-key': { value: 'FILE', help: 'its private key, PEM' },
  'trusted-proxy': { value: 'CIDR', many: true, help: 'proxy whose X-Forwarded headers count, may be repeated (default: none)' },
  'sockets-per-address': { value: 'COUNT', help: `sockets that one address may hold open (default ${socketsPerAddress})` },
  'messages-per-second': { value: 'COUNT', help: `offers and messages that one session may send (default ${messagesPerSecond})` },
  'slow-reader-bytes': {
    value: 'BYTES',
    help: `what may wait for a reader before it is dropped and has to catch up (default ${slowReaderBytes})`,
  },
  'slow-reader-seconds': {
    value: 'SECONDS',
    help: `how long the oldest of it may wait (default ${slowReaderMs / 1000})`,
  },
  'gateway-token-seconds': {
    value: 'SECONDS',
    help: `how long a token of the y-websocket gateway opens it (default ${gatewayTokenMs / 1000})`,
  },
  admission: { value: 'WHO', help: `open, listed (orgs allowed by "orgs allow") or token (default ${admission})` },
  'join-token': { value: 'TOKEN', help: `what orgs that are not listed bring with --admission token (${inList})` },
  'join-token-file': { value: 'FILE', help: 'file that holds it' },
  'quota-bytes': { value: 'BYTES', help: 'what one org may hold, 0 for no bound (default 0)' },
  'quota-docs': { value: 'COUNT', help: 'the same in docs' },
  'quota-connections': { value: 'COUNT', help: 'the same in connections' },
  'admin-token': { value: 'TOKEN', help: `opens /metrics and the admin page, which else answer this machine only (${inList})` },
  'admin-token-file': { value: 'FILE', help: 'file that holds it' },
  'log-level': { value: 'LEVEL', help: `${logLevels.join(', ')} (default ${logLevel})` },
} as const satisfies Readonly<Record<string, Setting>>

/** What the other commands take besides. */
export const commandSettings = {
  json: { help: 'print JSON' },
  bytes: { value: 'N', help: 'bytes that the org may hold, 0 for no bound, "default" for what the relay is set to' },
  docs: { value: 'N', help: 'the same in docs' },
  connections: { value: 'N', help: 'the same in connections' },
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
