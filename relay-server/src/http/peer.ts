import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { plainAddress, type TrustedProxies } from '../config/network.js'
import { randomId } from '../log.js'

/** The client of a request, as far as the relay can know: the other end of the socket or, behind a trusted proxy, the proxy's client. */
export interface Peer {
  readonly address: string
  /** The host and port under which the peer reached this relay. */
  readonly host: string | undefined
  /** Whether the peer came by TLS, as far as the relay knows. */
  readonly isSecure: boolean
  /** The id in the request's log lines: the trusted proxy's own, so that both logs can be read together, or a new one. */
  readonly request: string
}

/** Reads the client of a request. X-Forwarded headers count only on a socket from a trusted proxy, because anyone can send them. */
export function readPeer({ headers, socket }: Pick<IncomingMessage, 'headers' | 'socket'>, proxies: TrustedProxies): Peer {
  const nearest = plainAddress(socket.remoteAddress ?? '')
  const isEncrypted = 'encrypted' in socket && socket.encrypted === true
  if (!proxies.has(nearest)) return { address: nearest, host: headers.host, isSecure: isEncrypted, request: randomId() }
  const request = lastOf(headers, 'x-request-id')
  return {
    address: forwardedAddress(headers, nearest, proxies),
    host: lastOf(headers, 'x-forwarded-host') ?? headers.host,
    isSecure: (lastOf(headers, 'x-forwarded-proto') ?? (isEncrypted ? 'https' : 'http')).toLowerCase() === 'https',
    request: request !== undefined && /^[\w-]{1,64}$/.test(request) ? request : randomId(),
  }
}

/**
 * The rightmost address that is not a trusted proxy: each proxy appends its client, so everything left of that address was written by a
 * stranger. An entry that is no address ends the chain too.
 */
function forwardedAddress(headers: IncomingHttpHeaders, nearest: string, proxies: TrustedProxies): string {
  let address = nearest
  for (const text of listOf(headers, 'x-forwarded-for').toReversed()) {
    const next = withoutPort(text)
    if (isIP(next) === 0) break
    address = next
    if (!proxies.has(next)) break
  }
  return address
}

/** Some proxies write `10.0.0.7:5000`, `[fd00::7]:5000` or `[fd00::7]`. */
function withoutPort(text: string): string {
  const bare = /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1] ?? /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(text)?.[1] ?? text
  return plainAddress(bare)
}

function lastOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  return listOf(headers, name).at(-1)
}

function listOf(headers: IncomingHttpHeaders, name: string): string[] {
  const value = headers[name]
  const text = Array.isArray(value) ? value.join(',') : (value ?? '')
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}
