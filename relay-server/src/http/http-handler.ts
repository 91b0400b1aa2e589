import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { extname, join, normalize, resolve, sep } from 'node:path'
import type { TrustedProxies } from '../config/network.js'
import { countedAs, type SocketLimiter } from './socket-limiter.js'
import { pipelineLength } from './pipeline.js'
import { answerStatus, type RelayStatus } from '../admin/status.js'
import type { AdminAccess, AdminVerdict } from '../admin/admin-access.js'
import { type Log, loggedPath, reasonOf } from '../log.js'
import type { Metrics } from '../observe/metrics.js'
import { readPeer } from './peer.js'
import type { TimeSlices } from '../flow/time-slices.js'
import type { Store } from '../store/store.js'
import { rememberFor } from '../flow/remember.js'

/** How long an answer of the readiness check stays valid, in ms: the check writes to the disk. */
const readinessMs = 1_000
/** After this time, in ms, a store that has not answered the check counts as not ready: its disk hangs, or its database is gone. */
const readinessPatienceMs = 900

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.webp': 'image/webp',
  '.woff2': 'font/woff2',
  '.wasm': 'application/wasm',
  '.csv': 'text/csv; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
}

/**
 * What the pages may do that this relay serves: what they may on any host (`web/src/policy/page-policy.ts`), and connect to nobody but this relay.
 * A test holds the two together.
 */
const pagePolicy = [
  "default-src 'self'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "connect-src 'self'",
  "worker-src 'self'",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "require-trusted-types-for 'script'",
  'trusted-types lit-html entente-worker',
  "frame-ancestors 'self'",
].join('; ')

/**
 * For what is no page, opened by itself: scripts, the service worker among them, pictures, answers in words. Nothing there may run a script or make a policy that
 * could register another worker. The service worker fetches files of this relay.
 */
const filePolicy = [
  "default-src 'none'",
  "connect-src 'self'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** Browsers that reached this relay by TLS once take no other way for a year. */
const onlyByTls = 'max-age=31536000'

const securityHeaders = {
  'content-security-policy': filePolicy,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
} as const

/** The one-file build, for pages of any origin. A page gives these files no credentials, and no other file may leave this origin. */
const forAllOrigins: ReadonlySet<string> = new Set(['/entente.js', '/entente.classic.js', '/entente.integrity.json'])

/** What the HTTP handler needs. */
export interface HttpParts {
  /** The directory of the built web app, or undefined to serve none. */
  readonly web: string | undefined
  readonly store: Store
  readonly log: Log
  readonly proxies: TrustedProxies
  readonly access: AdminAccess
  readonly metrics: Metrics
  readonly socketLimiter: SocketLimiter
  readonly turns: TimeSlices
  readonly status: () => Promise<RelayStatus>
}

/**
 * Answers plain HTTP: the web app's files, `/healthz` (the process runs), `/readyz` (the store takes entries) and, with the admin token, `/metrics`
 * and `/admin/status` (JSON for the admin page).
 */
export function createHttpHandler({ web, store, log, proxies, access, metrics, socketLimiter, turns, status }: HttpParts): RequestListener {
  const isReady = rememberFor(readinessMs, () => orFalseAfter(readinessPatienceMs, store.isWritable()))
  const admit = (request: IncomingMessage): AdminVerdict =>
    access.check(request, performance.now(), countedAs(readPeer(request, proxies).address))
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    for (const [name, value] of Object.entries(securityHeaders)) response.setHeader(name, value)
    if (readPeer(request, proxies).isSecure) response.setHeader('strict-transport-security', onlyByTls)
    const path = (request.url ?? '/').split('?')[0] ?? '/'
    if (path === '/socket' || path.startsWith('/gateway/')) {
      response.setHeader('upgrade', 'websocket')
      return respond(response, 426, 'This path speaks WebSocket.')
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD')
      return respond(response, 405, 'This server only answers GET and HEAD.')
    }
    if (path === '/healthz') return respond(response, 200, 'ok')
    if (path === '/readyz')
      return (await isReady()) ? respond(response, 200, 'ready') : respond(response, 503, 'The store takes no entries.')
    if (path === '/admin/status') return answerStatus(response, admit(request), status)
    if (path === '/metrics') return respondMetrics(request, response)
    await serveFile(web, path, request, response)
  }
  const respondMetrics = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const verdict = admit(request)
    if (verdict.status === 200) return respond(response, 200, await metrics.text(), metrics.contentType)
    if (verdict.status === 401) response.setHeader('www-authenticate', 'Bearer')
    respond(response, verdict.status, 'Reading this needs the admin token.')
  }
  /** Requests of each connection that have no answer yet. */
  const unanswered = new WeakMap<Socket, number>()
  return (request, response): void => {
    const { socket } = request
    if (socket.destroyed) return
    const began = performance.now()
    const { request: id, address } = readPeer(request, proxies)
    const counted = countedAs(address)
    const waiting = (unanswered.get(socket) ?? 0) + 1
    // Nobody's browser, probe or proxy asks again before it has been answered.
    if (waiting > pipelineLength) return void socket.destroy()
    if (!socketLimiter.mayAsk(counted, began)) {
      metrics.refusedUpgrade(429)
      response.setHeader('connection', 'close')
      return respond(response, 429, 'Too many requests; come back later.')
    }
    unanswered.set(socket, waiting)
    response.setHeader('x-request-id', id)
    response.once('close', () => {
      unanswered.set(socket, (unanswered.get(socket) ?? 1) - 1)
      const ms = Math.round(performance.now() - began)
      log.debug('answered', { request: id, address, path: loggedPath(request.url ?? '/'), status: response.statusCode, ms })
    })
    turns
      .take(socketLimiter.burdenOf(counted), () => answer(request, response))
      .catch((error: unknown) => {
        log.error('request-failed', { request: id, path: loggedPath(request.url ?? '/'), reason: reasonOf(error) })
        if (response.headersSent) response.destroy()
        else respond(response, 500, 'The server failed to answer this request.')
      })
  }
}

async function serveFile(web: string | undefined, path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const found = web === undefined ? undefined : await findFile(resolve(web), path)
  if (!found) return respond(response, 404, 'There is nothing here.')
  const etag = `"${found.size.toString(36)}-${Math.floor(found.changed).toString(36)}"`
  response.setHeader('etag', etag)
  // Vite writes a hash of the content into the names of assets, so such a file never changes.
  response.setHeader('cache-control', path.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache')
  response.setHeader('content-type', contentTypes[extname(found.file)] ?? 'application/octet-stream')
  if (extname(found.file) === '.html') response.setHeader('content-security-policy', pagePolicy)
  if (forAllOrigins.has(path)) {
    response.setHeader('access-control-allow-origin', '*')
    response.setHeader('cross-origin-resource-policy', 'cross-origin')
  }
  if (request.headers['if-none-match'] === etag) {
    response.writeHead(304).end()
    return
  }
  response.setHeader('content-length', found.size)
  response.writeHead(200)
  if (request.method === 'HEAD') {
    response.end()
    return
  }
  createReadStream(found.file)
    .on('error', () => response.destroy())
    .pipe(response)
}

interface Found {
  readonly file: string
  readonly size: number
  readonly changed: number
}

async function findFile(root: string, path: string): Promise<Found | undefined> {
  let name: string
  try {
    name = normalize(decodeURIComponent(path))
  } catch {
    return undefined
  }
  if (name.includes('\0') || name.split(sep).some((part) => part.startsWith('.') && part !== '.')) return undefined
  const file = join(root, name.endsWith('/') ? `${name}index.html` : name)
  if (!file.startsWith(root + sep)) return undefined
  for (const candidate of extname(file) === '' ? [file, `${file}.html`] : [file]) {
    const stats = await stat(candidate).catch(() => undefined)
    if (stats?.isFile()) return { file: candidate, size: stats.size, changed: stats.mtimeMs }
  }
  return undefined
}

function respond(response: ServerResponse, status: number, text: string, type = 'text/plain; charset=utf-8'): void {
  response.setHeader('content-type', type)
  response.setHeader('cache-control', 'no-store')
  response.writeHead(status).end(`${text}\n`)
}

async function orFalseAfter(ms: number, answer: Promise<boolean>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => (timer = setTimeout(resolve, ms, false)))
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}
