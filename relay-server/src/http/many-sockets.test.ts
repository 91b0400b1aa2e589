import { request } from 'node:http'
import type { Duplex } from 'node:stream'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { RelayClient, TestRelay } from '../testing/index.js'

const wanted = 10_000
const socketsPerAddress = 500
const atOnce = 200

let relay: TestRelay
let open: Duplex[]

beforeEach(async () => {
  open = []
  // Sockets that say no hello must stay for the whole test.
  relay = await TestRelay.start({
    socketsPerAddress,
    silentSocketsPerAddress: socketsPerAddress,
    socketsPerSecond: 100_000,
    helloMs: 60_000,
  })
})
afterEach(async () => {
  for (const socket of open) socket.destroy()
  await relay.stop()
})

it('[RL2] gives one address that wants ten thousand sockets as many as it may have, and others theirs (row 37)', async () => {
  const statuses = new Map<number, number>()
  for (let begun = 0; begun < wanted; begun += atOnce) {
    const answers = await Promise.all(Array.from({ length: atOnce }, () => dial('127.0.0.1')))
    for (const status of answers) statuses.set(status, (statuses.get(status) ?? 0) + 1)
  }
  expect(Object.fromEntries(statuses)).toEqual({ 101: socketsPerAddress, 429: wanted - socketsPerAddress })
  expect(await dial('127.0.0.2')).toBe(101)
  expect((await fetch(`${relay.url}/healthz`)).status).toBe(200)
  for (const socket of open.splice(0)) socket.destroy()
  await expect.poll(() => dial('127.0.0.1')).toBe(101)
  const vera = new RelayClient(relay.url)
  await vera.next('challenge')
}, 60_000)

/** Asks for a socket from an address of this machine, and keeps it. @returns the HTTP status of the answer */
function dial(localAddress: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
    }
    request({ host: '127.0.0.1', port: relay.port, path: '/socket', localAddress, headers, agent: false })
      .on('response', (response) => {
        response.resume()
        resolve(response.statusCode ?? 0)
      })
      .on('upgrade', (response, socket) => {
        socket.on('error', () => {})
        open.push(socket)
        resolve(response.statusCode ?? 0)
      })
      .on('error', reject)
      .end()
  })
}
