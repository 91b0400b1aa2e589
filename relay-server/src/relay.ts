import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Batch } from './batch.js'
import { Compactor } from './compaction.js'
import { defaultConfig, type RelayConfig } from './config.js'
import { Doors } from './door.js'
import { Readers } from './fan-out.js'
import { createHttpHandler } from './http.js'
import { createLog, type Log, reasonOf } from './log.js'
import { Mailboxes } from './mailbox.js'
import { PolicyBook } from './policy.js'
import { type Relay, Session } from './session.js'
import { openLibsqlStore } from './store/libsql.js'
import type { Store } from './store/store.js'
import { createUpgrade } from './upgrade.js'

/** When devices are to come back after a shutdown in good order, and how long that may take, in ms. */
const leavingRetryMs = 2_000
const goodbyeMs = 3_000

export interface RunningRelay {
  /** Where the web app and, under `/socket` with ws:, the relay answers: `http://host:port`. */
  readonly url: string
  readonly port: number
  /** Stops in good order: what was taken is stored and answered, devices are told when to come back. */
  close(): Promise<void>
}

/**
 * Starts a relay in this process.
 *
 * @param settings what differs from `defaultConfig`
 * @param log where the log goes; stdout where none is given
 * @throws Error where the store cannot be opened or the port is taken
 */
export async function startRelay(settings: Partial<RelayConfig> = {}, log?: Log): Promise<RunningRelay> {
  const config: RelayConfig = { ...defaultConfig, ...settings }
  const store = await openLibsqlStore(config.data)
  try {
    return await serve(config, store, log ?? createLog(config.logLevel))
  } catch (error) {
    await store.close()
    throw error
  }
}

async function serve(config: RelayConfig, store: Store, log: Log): Promise<RunningRelay> {
  const server = createServer(
    {
      headersTimeout: config.headersMs,
      requestTimeout: config.headersMs,
      connectionsCheckingInterval: Math.min(1_000, config.headersMs / 2),
    },
    createHttpHandler(config.web, store),
  )
  const port = await listen(server, config)
  const doors = new Doors(store, log, config.doorMs, config.slowReaderBytes)
  const relay = createRelay(config, namesOf(config, port), store, doors, log)
  let closing: Promise<void> | undefined
  server.on(
    'upgrade',
    createUpgrade({ config, log, doors, isClosing: () => closing !== undefined, welcome: (socket) => void new Session(socket, relay) }),
  )
  const timers = startTimers(relay)
  const url = `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}`
  log.info('listening', { url, port, opening: store.opening, position: store.position() })
  const close = async (): Promise<void> => {
    for (const timer of timers) clearInterval(timer)
    await shutDown(server, relay)
    log.info('stopped', { position: store.position() })
  }
  return { url, port, close: () => (closing ??= close()) }
}

interface WholeRelay extends Relay {
  readonly compactor: Compactor
}

/** Ties the parts together. What a commit sets off is decided here: readers, doors, revocations, merging. */
function createRelay(config: RelayConfig, names: readonly string[], store: Store, doors: Doors, log: Log): WholeRelay {
  const sessions = new Set<Session>()
  const compactor = new Compactor(store, log)
  const readers = new Readers((subscription) => {
    for (const session of sessions) if (session === subscription.reader) session.follow(subscription)
  })
  const batch = new Batch(
    store,
    new PolicyBook(store),
    {
      fanOut: (writes, commit) => {
        readers.fanOut(writes, commit)
        doors.fanOut(writes, commit)
      },
      revoked: (device) => {
        for (const session of sessions) if (session.device === device) session.fail('AUTH', 'This device has been revoked.')
      },
      grown: (write, tail) => {
        if (tail >= config.tailUpdates) compactor.add(write)
      },
    },
    log,
  )
  return { config, names, log, store, batch, readers, mailboxes: new Mailboxes(store), doors, sessions, compactor }
}

function startTimers({ config, sessions, mailboxes, doors, log }: Relay): readonly NodeJS.Timeout[] {
  const beat = setInterval(() => {
    const now = Date.now()
    for (const session of sessions) session.beat(now)
    doors.sweep(now)
  }, config.heartbeatMs / 3)
  const sweep = setInterval(() => {
    mailboxes
      .sweep(Date.now())
      .then((ended) => ended > 0 && log.info('mailboxes-cleared', { ended }))
      .catch((error: unknown) => log.warn('sweep-failed', { reason: reasonOf(error) }))
  }, config.sweepMs)
  return [beat, sweep]
}

async function shutDown(server: Server, { batch, sessions, compactor, doors, store, log }: WholeRelay): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  await batch.finished()
  for (const session of sessions) session.leave(leavingRetryMs)
  doors.leave()
  await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, goodbyeMs).unref())])
  server.closeAllConnections()
  await compactor.stop()
  await store.close().catch((error: unknown) => log.error('store-close-failed', { reason: reasonOf(error) }))
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

/** The names a hello may be addressed to: the configured ones, else what this machine itself would dial. */
function namesOf({ names, host }: RelayConfig, port: number): readonly string[] {
  if (names.length > 0) return names
  return [...new Set(['127.0.0.1', 'localhost', '[::1]', host])].map((name) => `${name}:${port}`)
}
