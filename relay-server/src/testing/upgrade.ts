import { request } from 'node:http'
import type { TestRelay } from './relay.js'

/**
 * Asks a relay for a socket, as a page or a proxy with these headers would.
 *
 * @param stay keeps the socket open until the relay closes it
 * @param from an address of this machine to come from
 * @returns the HTTP status of the answer; 101 where there is a socket
 */
export function upgradeStatus(
  { port }: TestRelay,
  headers: Readonly<Record<string, string>>,
  { path = '/socket', stay = false, from = '127.0.0.1' }: { readonly path?: string; readonly stay?: boolean; readonly from?: string } = {},
): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request({
      host: '127.0.0.1',
      port,
      path,
      localAddress: from,
      headers: {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
        ...headers,
      },
    })
    asked.on('response', (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
    asked.on('upgrade', (response, socket) => {
      socket.on('error', () => {})
      if (!stay) socket.destroy()
      resolve(response.statusCode ?? 0)
    })
    asked.on('error', reject)
    asked.end()
  })
}
