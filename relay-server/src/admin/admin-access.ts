import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { isLoopback } from '../config/network.js'
import { LruMap } from '../flow/lru.js'

/** Wrong tokens that one address may show within `windowMs`; then it waits until that time is over. */
const wrongTries = 10
const windowMs = 60_000
const keptAddresses = 1_024

/** What a request for the relay's own figures gets: 200 to go on, 401 without the right, 429 after too many wrong tries. */
export type AdminVerdict = { readonly status: 200 } | { readonly status: 401 } | { readonly status: 429; readonly retryMs: number }

/** As much of a request as counts. */
interface Asking {
  readonly headers: IncomingHttpHeaders
  readonly socket: { readonly remoteAddress?: string | undefined }
}

/**
 * Who may see the relay's figures. With a token configured: whoever shows it as `Authorization: Bearer …`. Without one: a program or page on this very
 * machine, which no proxy stands before.
 */
export class AdminAccess {
  readonly #tokenHash: Buffer | undefined
  readonly #wrong = new LruMap<string, { tries: number; readonly until: number }>(keptAddresses)

  constructor(token: string | undefined) {
    this.#tokenHash = token === undefined ? undefined : hash(token)
  }

  /**
   * @param now ms on any clock that only goes forward
   * @param from whose tries are counted: the other end of the socket, or whom a trusted proxy there speaks for
   */
  check(request: Asking, now: number, from = request.socket.remoteAddress ?? ''): AdminVerdict {
    const address = request.socket.remoteAddress ?? ''
    if (!this.#tokenHash) return { status: isFromThisMachine(address, request.headers) ? 200 : 401 }
    const wrong = this.#wrong.get(from)
    // A right token counts as little as a wrong one while whoever asks has to wait: else guessing could go on.
    if (wrong && wrong.tries >= wrongTries && now < wrong.until) return { status: 429, retryMs: Math.ceil(wrong.until - now) }
    const shown = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1]
    if (shown === undefined) return { status: 401 }
    if (timingSafeEqual(hash(shown), this.#tokenHash)) return { status: 200 }
    if (wrong && now < wrong.until) wrong.tries++
    else this.#wrong.set(from, { tries: 1, until: now + windowMs })
    return { status: 401 }
  }
}

/** Hashes are of one length, so that comparing takes the same time for every token. */
function hash(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}

/** What proxies write; where one of them stands, the peer's address is the proxy's and says nothing of who asks. */
const proxyHeaders = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip', 'via'] as const

function isFromThisMachine(address: string, headers: IncomingHttpHeaders): boolean {
  if (!isLoopback(address) || proxyHeaders.some((name) => headers[name] !== undefined)) return false
  // A page from elsewhere may have its own name resolved to this machine; its requests then carry that name.
  const host = `http://${headers.host ?? ''}`
  const name = URL.canParse(host) ? new URL(host).hostname : ''
  return name === 'localhost' || isLoopback(name.replaceAll(/[[\]]/g, ''))
}
