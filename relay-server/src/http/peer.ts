import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { plainAddress, type TrustedProxies } from '../config/network.js'
import { randomId } from '../log.js'

/** Who asks, as far as the relay can know: the other end of the socket, or whom a trusted proxy there speaks for. */
export interface Peer {
  readonly address: string
  /** The host and port under which the peer reached this relay. */
  readonly host: string | undefined
  /** Whether the peer is known to have come by TLS. */
  readonly isSecure: boolean
  /** The id that the request's log lines carry: the proxy's own, so that its log and this one can be read together, or a new one. */
  readonly request: string
}

/** X-Forwarded headers count only where the socket itself comes from a trusted proxy: anyone else may write into them what they like. */
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
 * From the right, where each proxy adds whom it heard: the first that is not a trusted proxy. What stands left of it was written by that
 * stranger. Something that is no address ends the chain too.
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

/** `10.0.0.7:5000`, `[fd00::7]:5000` and `[fd00::7]` as some proxies write them. */
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
