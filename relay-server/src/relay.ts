import { createServer, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { trustProxies } from './config/network.js'
import { createStatus, type StatusSource } from './admin/status.js'
import { AdminAccess, adminTokenOf } from './admin/admin-access.js'
import { assemble, type RelayParts } from './assembly.js'
import { defaultConfig, type RelayConfig } from './config/config.js'
import { createHttpHandler } from './http/http-handler.js'
import { LoadMeter } from './observe/load.js'
import { createLog, type Log, reasonOf } from './log.js'
import { Metrics } from './observe/metrics.js'
import { type SessionTools, Session } from './session/session.js'
import { openStore } from './open-store.js'
import { openToOthers } from './store/libsql/owner.js'
import type { Store } from './store/store.js'
import { Certificate } from './http/tls.js'
import { SocketLimiter } from './http/socket-limiter.js'
import { createDoor } from './http/upgrade.js'

/** An orderly shutdown, in ms: when devices come back; how long the last commits may take; how long the goodbyes may take. */
const leavingRetryMs = 2_000
const storingMs = 5_000
const goodbyeMs = 3_000

export interface RunningRelay {
  /** The address of the web app and, as ws: under `/socket`, of the relay: `http://host:port`. */
  readonly url: string
  readonly port: number
  /** Opens `/metrics` and the admin page: the configured token, or the relay's own. */
  readonly adminToken: string
  /** Reloads the certificate from its files. */
  reload(): void
  /** Stops in good order: commits and answers the offers it has taken, and tells devices when to come back. */
  close(): Promise<void>
}

/**
 * Starts a relay in this process.
 *
 * @param settings overrides of `defaultConfig`
 * @param log by default, JSON lines on stdout
 * @throws Error when the store cannot be opened or the port is taken
 */
export async function startRelay(settings: Partial<RelayConfig> = {}, log?: Log): Promise<RunningRelay> {
  const config: RelayConfig = { ...defaultConfig, ...settings }
  const metrics = new Metrics()
  const store = await openStore(config, { synced: (ms) => metrics.synced(ms) })
  try {
    return await serve(config, store, log ?? createLog(config.logLevel), metrics)
  } catch (error) {
    await store.close()
    throw error
  }
}

async function serve(config: RelayConfig, store: Store, log: Log, metrics: Metrics): Promise<RunningRelay> {
  const certificate = config.tls && new Certificate(config.tls, config.certificateMs, log)
  const proxies = trustProxies(config.trustedProxies)
  if (certificate) metrics.watchCertificate(() => certificate.pair.expires)
  const server = createEitherServer(config, certificate)
  const port = await listen(server, config)
  const names = namesOf(config, port)
  const adminToken = config.adminToken ?? adminTokenOf(store.secret())
  const relay = assemble(config, names, store, log, metrics)
  const { gateway, turns } = relay
  const load = new LoadMeter(() => metrics.counts())
  const status = createStatus(statusSource(relay, load))
  load.start()
  let closing: Promise<void> | undefined
  const socketLimiter = new SocketLimiter(config, metrics)
  const handler = createHttpHandler({
    web: config.web,
    store,
    log,
    proxies,
    access: new AdminAccess(adminToken),
    metrics,
    socketLimiter,
    turns,
    status,
  })
  const door = createDoor({
    config,
    names,
    log,
    proxies,
    metrics,
    gateway,
    socketLimiter,
    turns,
    isClosing: () => closing !== undefined,
    welcome: (socket, id, address) => void new Session(socket, relay, id, address),
  })
  server.on('request', handler)
  server.on('connection', door.knock)
  server.on('upgrade', door.upgrade)
  const timers = startTimers(relay)
  const url = `${certificate ? 'https' : 'http'}://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}`
  log.info('listening', { url, port, incarnation: store.incarnation() })
  warnOfOthers(config, log)
  const close = async (): Promise<void> => {
    for (const timer of timers) clearInterval(timer)
    load.stop()
    certificate?.stop()
    await shutDown(server, relay)
    log.info('stopped')
  }
  return { url, port, adminToken, reload: () => certificate?.reload(), close: () => (closing ??= close()) }
}

/** Where the status of a whole relay is taken from. */
function statusSource({ config, store, sessions, gateway, compactor }: RelayParts, load: LoadMeter): StatusSource {
  return {
    config,
    sessions,
    sockets: () => sessions.size + gateway.visitors,
    load: () => load.now(),
    compactionWaiting: () => compactor.waiting,
    isWritable: () => store.isWritable(),
    stats: () => store.stats(),
    fullest: (limit) => store.fullestAccounts(config.quota, limit),
  }
}

/** A directory that was there before the relay may be open to other users of the machine; it is not the relay's to close. */
function warnOfOthers({ store, data }: RelayConfig, log: Log): void {
  const open = store === undefined ? openToOthers(data) : []
  if (open.length > 0) log.warn('data-open-to-others', { data, open: open.join(' ') })
}

function startTimers({ config, sessions, mailboxes, gateway, log }: SessionTools): readonly NodeJS.Timeout[] {
  const beat = setInterval(() => {
    for (const session of sessions) session.beat()
    gateway.sweep()
  }, config.heartbeatMs / 3)
  const sweep = setInterval(() => {
    mailboxes
      .sweep(Date.now())
      .then((ended) => ended > 0 && log.info('mailboxes-cleared', { ended }))
      .catch((error: unknown) => log.warn('sweep-failed', { reason: reasonOf(error) }))
  }, config.sweepMs)
  return [beat, sweep]
}

async function shutDown(server: Server, { groupCommit, sessions, compactor, gateway, store, log }: RelayParts): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  // Devices learn when to come back even if the store hangs.
  await within(storingMs, groupCommit.stop())
  for (const session of sessions) session.leave(leavingRetryMs)
  gateway.leave()
  await within(goodbyeMs, closed)
  server.closeAllConnections()
  await compactor.stop()
  await store.close().catch((error: unknown) => log.error('store-close-failed', { reason: reasonOf(error) }))
}

function within(ms: number, doing: Promise<void>): Promise<void> {
  return Promise.race([doing, new Promise<void>((resolve) => setTimeout(resolve, ms).unref())])
}

function createEitherServer({ headersMs }: RelayConfig, certificate: Certificate | undefined): Server {
  const options = {
    headersTimeout: headersMs,
    requestTimeout: headersMs,
    connectionsCheckingInterval: Math.min(1_000, headersMs / 2),
  }
  if (!certificate) return createServer(options)
  const { cert, key } = certificate.pair
  const server = createTlsServer({ ...options, cert, key, handshakeTimeout: headersMs })
  certificate.serve(server)
  return server
}

function listen(server: Server, { host, port }: RelayConfig): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve((server.address() as AddressInfo).port)
    })
  })
}

/** The names that a hello may be made for: the configured ones, else the loopback names of this machine. */
function namesOf({ names, host }: RelayConfig, port: number): readonly string[] {
  const own = ['127.0.0.1', 'localhost', '[::1]', host.includes(':') ? `[${host}]` : host].map((name) => `${name}:${port}`)
  const all = names.length > 0 ? names : own
  // Devices write a name as URLs do: in lower case, without the default port.
  return [...new Set(all.map((name) => name.toLowerCase()).flatMap((name) => [name, name.replace(/:(?:80|443)$/, '')]))]
}
