import { createDevice, createOrg, RelayClient } from '@entente/relay-server/testing'
import { WebSocket } from 'ws'

/** Sockets opened at once, so that neither end's queue of new ones runs over. */
const atOnce = 50

/** Sessions that have had their welcome and say nothing more, each of a device and an org of its own. @returns closes them */
export async function openIdle(url: string, count: number): Promise<() => void> {
  return openMany(count, async () => {
    const { socket } = await RelayClient.connect(url, await createDevice(await createOrg()))
    socket.removeAllListeners('message')
    return socket
  })
}

/** Sockets at a server that knows no hello. @returns closes them */
export function openIdleBare(url: string, count: number): Promise<() => void> {
  return openMany(
    count,
    () =>
      new Promise((resolve, reject) => {
        const socket = new WebSocket(url, { perMessageDeflate: false })
        socket.once('error', reject)
        socket.once('open', () => resolve(socket))
      }),
  )
}

async function openMany(count: number, open: () => Promise<WebSocket>): Promise<() => void> {
  const sockets: WebSocket[] = []
  while (sockets.length < count)
    sockets.push(...(await Promise.all(Array.from({ length: Math.min(atOnce, count - sockets.length) }, open))))
  return () => sockets.forEach((socket) => socket.terminate())
}
