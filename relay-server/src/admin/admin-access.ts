import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
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
 * The admin token of a relay whose operator set none. It follows from the store's secret, so it outlives a restart, and relays on one database have the same.
 *
 * @param secret of the store
 */
export function adminTokenOf(secret: Uint8Array): string {
  // The gateway's tokens are signed under the same secret; none of them is this text.
  return createHmac('sha256', secret).update('entente admin token').digest('base64url')
}

/** Decides who may read metrics and status: a request with `Authorization: Bearer …`. No address may without, because a proxy's is anyone's. */
export class AdminAccess {
  readonly #tokenHash: Buffer
  readonly #wrong = new LruMap<string, { tries: number; readonly until: number }>(keptAddresses)

  constructor(token: string) {
    this.#tokenHash = hash(token)
  }

  /**
   * @param now ms on any clock that only goes forward
   * @param from the address whose tries count: the other end of the socket or, behind a trusted proxy, the proxy's client
   */
  check(request: AdminRequest, now: number, from = request.socket.remoteAddress ?? ''): AdminVerdict {
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
