import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import { isLoopbackName, plainAddress, type TrustedProxies } from '../config/network.js'
import type { RelayConfig } from '../config/config.js'
import type { TimeSlices } from '../flow/time-slices.js'
import type { Gateway } from '../gateway/gateway.js'
import { readGatewayPath } from '../gateway/gateway-wire.js'
import { type Log, loggedPath } from '../log.js'
import type { Metrics } from '../observe/metrics.js'
import { countedAs, type SocketLimiter } from './socket-limiter.js'
import { type Peer, readPeer } from './peer.js'
import { refusePipeline } from './pipeline.js'
import { frameLimit } from '../session/frame-limit.js'
import { SessionSocket } from '../session/session-socket.js'
import type { Address } from '../session/stranger.js'

export interface Entrance {
  readonly config: RelayConfig
  /** The names of this relay. */
  readonly names: readonly string[]
  readonly log: Log
  readonly proxies: TrustedProxies
  readonly metrics: Metrics
  readonly gateway: Gateway
  readonly socketLimiter: SocketLimiter
  readonly turns: TimeSlices
  readonly isClosing: () => boolean
  /** @param id of the session, which the answer to the upgrade names as x-request-id, and by which its log lines are found */
  readonly welcome: (socket: SessionSocket, id: string, address: Address) => void
}

/** Who gets in. */
export interface Door {
  /** Looks at a new connection, before anything of it is read. */
  readonly knock: (connection: Socket) => void
  /** Decides at the HTTP upgrade who gets a socket: by sockets per address, the relay's own name, the page's origin, the path, and the gateway's token. */
  readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
}

const noBody = 'Connection: close\r\nContent-Length: 0\r\n'

export function createDoor({ config, names, log, proxies, metrics, gateway, socketLimiter, turns, isClosing, welcome }: Entrance): Door {
  const server = new WebSocketServer<typeof SessionSocket>({
    WebSocket: SessionSocket,
    noServer: true,
    clientTracking: false,
    ...frameLimit,
  })
  const ids = new WeakMap<IncomingMessage, string>()
  server.on('headers', (headers: string[], request: IncomingMessage) => headers.push(`x-request-id: ${ids.get(request)}`))
  const knock = (connection: Socket): void => {
    const nearest = plainAddress(connection.remoteAddress ?? '')
    connection.prependListener('data', refusePipeline)
    // A proxy's connection may be anyone's. Any other address gets no TLS handshake and no answer once it has used up its rate.
    if (proxies.has(nearest) || !socketLimiter.isSpent(countedAs(nearest), performance.now())) return
    metrics.refusedUpgrade(429)
    connection.destroy()
  }
  const upgrade: Door['upgrade'] = (request, socket, head) => {
    socket.on('error', destroyFailed)
    socket.off('data', refusePipeline)
    const peer = readPeer(request, proxies)
    const address = countedAs(peer.address)
    const asked = socketLimiter.ask(address, performance.now())
    if (asked === 'told') {
      // Once told and logged, it costs as little as can be.
      metrics.refusedUpgrade(429)
      socket.end(`HTTP/1.1 429 ${STATUS_CODES[429]}\r\n${noBody}\r\n`)
      return
    }
    // Whoever has used little of the relay's time is let in first.
    void turns.take(socketLimiter.burdenOf(address), () => decide(request, socket, head, peer, asked === 'yes'))
  }
  const decide = (request: IncomingMessage, socket: Duplex, head: Buffer, peer: Peer, isAllowed: boolean): void => {
    if (socket.destroyed) return
    const address = countedAs(peer.address)
    const path = request.url ?? '/'
    const url = URL.canParse(path, 'http://relay') ? new URL(path, 'http://relay') : undefined
    const refuse = (status: number): void => {
      metrics.refusedUpgrade(status)
      log.info('upgrade-refused', { request: peer.request, address: peer.address, status, path: url && loggedPath(url.pathname) })
      socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${noBody}x-request-id: ${peer.request}\r\n\r\n`)
    }
    if (!isAllowed) return refuse(429)
    if (!url) return refuse(400)
    if (isClosing()) return refuse(503)
    if (!isOwnHost(peer.host, names) || !isOriginAllowed(request.headers.origin, peer, config.origins)) return refuse(403)
    const admit = (enter: (webSocket: SessionSocket) => void): void => {
      // The relay may have begun to stop while it checked a gateway's token.
      if (isClosing()) return refuse(503)
      ids.set(request, peer.request)
      log.debug('upgraded', { request: peer.request, address: peer.address, path: loggedPath(url.pathname) })
      // The relay's first message, the challenge, leaves together with the answer to the upgrade.
      socket.cork()
      server.handleUpgrade(request, socket, head, (webSocket) => {
        // From here on the WebSocket has a listener of its own for errors.
        socket.off('error', destroyFailed)
        webSocket.ride(socket)
        enter(webSocket)
      })
      socket.uncork()
    }
    const counted = socketLimiter.enter(address, socket)
    if (url.pathname === '/socket') return admit((webSocket) => welcome(webSocket, peer.request, counted))
    if (!url.pathname.startsWith('/gateway/')) return refuse(404)
    const name = readGatewayPath(url.pathname)
    const pass = name ? gateway.check(name, url.searchParams.get('token') ?? '', Date.now()) : Promise.resolve(undefined)
    pass.then(
      (passed) => {
        if (!passed) refuse(401)
        // In the same step as it enters, so that of many at once no more get in.
        else if (gateway.isFull(passed)) refuse(429)
        else admit((webSocket) => gateway.enter(webSocket, passed, counted.burden))
      },
      () => refuse(500),
    )
  }
  return { knock, upgrade }
}

/** Shared by all sockets: a closure made during the upgrade would keep the request alive as long as the socket. */
function destroyFailed(this: Duplex): void {
  this.destroy()
}

/**
 * Whether a socket is asked for under a name of this relay. A foreign page may have its own name resolved to this machine (DNS rebinding); its requests then
 * carry that name, and its origin is the same. Nobody's page comes from a loopback name but this machine's own.
 */
function isOwnHost(host: string | undefined, names: readonly string[]): boolean {
  if (host === undefined) return false
  const said = host.toLowerCase()
  return names.includes(said) || names.includes(said.replace(/:(?:80|443)$/, '')) || isLoopbackName(said.replace(/:\d+$/, ''))
}

/**
 * Programs send no Origin. A page must come from the relay's own host, from this machine, or from a listed origin. If the relay is reached by TLS, its own
 * pages must be too: a page of the same host without TLS may have been changed on its way.
 */
function isOriginAllowed(origin: string | undefined, { host, isSecure }: Peer, listed: readonly string[]): boolean {
  if (origin === undefined) return true
  if (!URL.canParse(origin)) return false
  const page = new URL(origin)
  const isOwn = page.host === hostOf(host, page.protocol) && (page.protocol === 'https:' || !isSecure)
  return isOwn || isLoopbackName(page.hostname) || listed.includes(page.origin)
}

/** The host as URLs write it: in lower case, without the default port. */
function hostOf(host: string | undefined, protocol: string): string | undefined {
  const url = `${protocol}//${host}`
  return host !== undefined && URL.canParse(url) ? new URL(url).host : undefined
}
