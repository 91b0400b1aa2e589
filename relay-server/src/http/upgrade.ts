import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import { isLoopbackName, type TrustedProxies } from '../config/network.js'
import type { RelayConfig } from '../config/config.js'
import type { Gateway } from '../gateway/gateway.js'
import { readGatewayPath } from '../gateway/gateway-wire.js'
import { type Log, loggedPath } from '../log.js'
import type { Metrics } from '../observe/metrics.js'
import { countedAs, SocketLimiter } from './socket-limiter.js'
import { type Peer, readPeer } from './peer.js'
import { frameLimit } from '../session/frame-limit.js'
import { SessionSocket } from '../session/session-socket.js'

export interface Entrance {
  readonly config: RelayConfig
  readonly log: Log
  readonly proxies: TrustedProxies
  readonly metrics: Metrics
  readonly gateway: Gateway
  readonly isClosing: () => boolean
  /** @param id of the session, which the answer to the upgrade names as x-request-id, and by which its log lines are found */
  readonly welcome: (socket: SessionSocket, id: string) => void
}

type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void

/** Decides at the HTTP upgrade who gets a socket: by path, the page's origin, sockets per address, and the gateway's token. */
export function createUpgrade({ config, log, proxies, metrics, gateway, isClosing, welcome }: Entrance): Upgrade {
  const server = new WebSocketServer<typeof SessionSocket>({
    WebSocket: SessionSocket,
    noServer: true,
    clientTracking: false,
    ...frameLimit,
  })
  const ids = new WeakMap<IncomingMessage, string>()
  server.on('headers', (headers: string[], request: IncomingMessage) => headers.push(`x-request-id: ${ids.get(request)}`))
  const socketLimiter = new SocketLimiter(metrics)
  return (request, socket, head) => {
    socket.on('error', destroyFailed)
    const peer = readPeer(request, proxies)
    const address = countedAs(peer.address)
    const path = request.url ?? '/'
    const url = URL.canParse(path, 'http://relay') ? new URL(path, 'http://relay') : undefined
    const refuse = (status: number): void => {
      metrics.refusedUpgrade(status)
      log.info('upgrade-refused', { request: peer.request, address: peer.address, status, path: url && loggedPath(url.pathname) })
      socket.end(
        `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nConnection: close\r\nContent-Length: 0\r\nx-request-id: ${peer.request}\r\n\r\n`,
      )
    }
    if (!url) return refuse(400)
    if (isClosing()) return refuse(503)
    if (!isOriginAllowed(request.headers.origin, peer, config.origins)) return refuse(403)
    if (socketLimiter.countAt(address) >= config.socketsPerAddress) return refuse(429)
    const admit = (enter: ((webSocket: SessionSocket) => void) | number): void => {
      if (typeof enter === 'number') return refuse(enter)
      // The relay may have begun to stop while it checked a gateway's token.
      if (isClosing()) return refuse(503)
      ids.set(request, peer.request)
      log.debug('upgraded', { request: peer.request, address: peer.address, path: loggedPath(url.pathname) })
      // The relay's first message, the challenge, leaves together with the answer to the upgrade.
      socket.cork()
      server.handleUpgrade(request, socket, head, (webSocket) => {
        // From here on the WebSocket has a listener of its own for errors.
        socket.off('error', destroyFailed)
        webSocket.carrier = socket
        enter(webSocket)
      })
      socket.uncork()
    }
    socketLimiter.enter(address, socket)
    if (url.pathname === '/socket') return admit((webSocket) => welcome(webSocket, peer.request))
    chooseGateway(url, gateway).then(admit, () => refuse(500))
  }
}

/** Shared by all sockets: a closure made during the upgrade would keep the request alive as long as the socket. */
function destroyFailed(this: Duplex): void {
  this.destroy()
}

/** @returns the action for the socket, or the HTTP status of the refusal */
async function chooseGateway(url: URL, gateway: Gateway): Promise<((socket: SessionSocket) => void) | number> {
  if (!url.pathname.startsWith('/gateway/')) return 404
  const name = readGatewayPath(url.pathname)
  const pass = name && (await gateway.check(name, url.searchParams.get('token') ?? '', Date.now()))
  return pass ? (socket) => gateway.enter(socket, pass) : 401
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
