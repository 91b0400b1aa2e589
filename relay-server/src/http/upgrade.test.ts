import { connect } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { defaultConfig } from '../config/config.js'
import { RelayClient, TestRelay, upgradeStatus } from '../testing/index.js'

describe('the way to a socket', () => {
  let relay: TestRelay
  afterEach(() => relay.stop())

  it('answers plain HTTP on the socket path with 426 (row 1)', async () => {
    relay = await TestRelay.start()
    const response = await fetch(`${relay.url}/socket`)
    expect(response.status).toBe(426)
    expect(response.headers.get('upgrade')).toBe('websocket')
  })

  it('turns away a page of another origin with 403, and lets listed, own and loopback ones in (row 2)', async () => {
    relay = await TestRelay.start({ origins: ['https://app.example.com'] })
    expect(await upgradeStatus(relay, { origin: 'https://elsewhere.example' })).toBe(403)
    expect(await upgradeStatus(relay, { origin: 'null' })).toBe(403)
    expect(await upgradeStatus(relay, { origin: 'https://relay.example', host: 'relay.example' })).toBe(101)
    for (const origin of ['https://app.example.com', relay.url, 'http://localhost:5173']) {
      const client = new RelayClient(relay.url, origin)
      await client.next('challenge')
      await client.close()
    }
  })

  it('drops headers that never end, which else may take ten seconds (row 3)', async () => {
    expect(defaultConfig.headersMs).toBe(10_000)
    relay = await TestRelay.start({ headersMs: 300 })
    const socket = connect(relay.port, '127.0.0.1')
    socket.on('error', () => {})
    socket.write('GET /socket HTTP/1.1\r\nHost: x\r\n')
    const dripping = setInterval(() => socket.write('X-More: 1\r\n'), 50)
    const began = Date.now()
    await new Promise((resolve) => socket.once('close', resolve))
    clearInterval(dripping)
    expect(Date.now() - began).toBeLessThan(3_000)
  })

  it('[W3] declines compression (row 8)', async () => {
    relay = await TestRelay.start()
    const socket = new WebSocket(`${relay.url.replace('http', 'ws')}/socket`, { perMessageDeflate: true })
    await new Promise((resolve) => socket.once('open', resolve))
    expect(socket.extensions).toBe('')
    socket.close()
  })

  it('[RL2] gives one address only so many sockets, with 429, and frees the place of a closed one (row 37)', async () => {
    relay = await TestRelay.start({ socketsPerAddress: 3 })
    const clients = [1, 2, 3].map(() => new RelayClient(relay.url))
    await Promise.all(clients.map((client) => client.next('challenge')))
    expect(await upgradeStatus(relay, {})).toBe(429)
    await clients[0]?.close()
    await expect.poll(() => upgradeStatus(relay, {})).toBe(101)
  })

  it('counts whom it turned away, by the status', async () => {
    relay = await TestRelay.start({ socketsPerAddress: 1 })
    await upgradeStatus(relay, { origin: 'https://elsewhere.example' })
    await upgradeStatus(relay, {}, { path: '/gateway/x/y?token=z' })
    const client = new RelayClient(relay.url)
    await client.next('challenge')
    for (const _ of [1, 2]) await upgradeStatus(relay, {})
    const figures = (await (await fetch(`${relay.url}/metrics`)).text()).match(/^entente_refused_upgrades_total.*/gm)
    expect(figures?.toSorted()).toEqual(
      [401, 403, 429].map((status) => `entente_refused_upgrades_total{status="${status}"} ${status === 429 ? 2 : 1}`),
    )
    await client.close()
  })

  it('knows no other path', async () => {
    relay = await TestRelay.start()
    expect(await upgradeStatus(relay, {}, { path: '/elsewhere' })).toBe(404)
    expect(await upgradeStatus(relay, {}, { path: '//' })).toBe(400)
    expect((await fetch(`${relay.url}/healthz`)).status).toBe(200)
  })
})
