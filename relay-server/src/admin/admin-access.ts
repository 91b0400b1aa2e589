import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { isLoopback } from '../config/network.js'
import { LruMap } from '../flow/lru.js'

/** Wrong tokens that one address may try within `windowMs`; then it must wait until that time is over. */
const wrongTries = 10
const windowMs = 60_000
const keptAddresses = 1_024

/** The verdict on a request for metrics or status: 200 to go on, 401 without the right, 429 after too many wrong tries. */
export type AdminVerdict = { readonly status: 200 } | { readonly status: 401 } | { readonly status: 429; readonly retryMs: number }

/** The parts of a request that decide. */
interface AdminRequest {
  readonly headers: IncomingHttpHeaders
  readonly socket: { readonly remoteAddress?: string | undefined }
}

/**
 * Decides who may read metrics and status. With a token configured: a request with `Authorization: Bearer …`. Without one: a program or page on this
 * machine, without a proxy in between.
 */
export class AdminAccess {
  readonly #tokenHash: Buffer | undefined
  readonly #wrong = new LruMap<string, { tries: number; readonly until: number }>(keptAddresses)

  constructor(token: string | undefined) {
    this.#tokenHash = token === undefined ? undefined : hash(token)
  }

  /**
   * @param now ms on any clock that only goes forward
   * @param from the address whose tries count: the other end of the socket or, behind a trusted proxy, the proxy's client
   */
  check(request: AdminRequest, now: number, from = request.socket.remoteAddress ?? ''): AdminVerdict {
    const address = request.socket.remoteAddress ?? ''
    if (!this.#tokenHash) return { status: isFromThisMachine(address, request.headers) ? 200 : 401 }
    const wrong = this.#wrong.get(from)
    // While an address must wait, a right token is refused too; else guessing could go on.
    if (wrong && wrong.tries >= wrongTries && now < wrong.until) return { status: 429, retryMs: Math.ceil(wrong.until - now) }
    const shown = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1]
    if (shown === undefined) return { status: 401 }
    if (timingSafeEqual(hash(shown), this.#tokenHash)) return { status: 200 }
    if (wrong && now < wrong.until) wrong.tries++
    else this.#wrong.set(from, { tries: 1, until: now + windowMs })
    return { status: 401 }
  }
}

/** Hashes have one length, so that comparing takes the same time for every token. */
function hash(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}

/** Headers that proxies write. With one of them, the peer's address is the proxy's and says nothing about the client. */
const proxyHeaders = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip', 'via'] as const

function isFromThisMachine(address: string, headers: IncomingHttpHeaders): boolean {
  if (!isLoopback(address) || proxyHeaders.some((name) => headers[name] !== undefined)) return false
  // A foreign page may resolve its own name to this machine (DNS rebinding); its requests then carry that name.
  const host = `http://${headers.host ?? ''}`
  const name = URL.canParse(host) ? new URL(host).hostname : ''
  return name === 'localhost' || isLoopback(name.replaceAll(/[[\]]/g, ''))
}
