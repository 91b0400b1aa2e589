import { request } from 'node:http'
import { connect } from 'node:net'
import { parseKey } from '@entente/protocol'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { defaultConfig } from '../config/config.js'
import { createDevice, createOrg, RelayClient, TestRelay, upgradeStatus } from '../testing/index.js'

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
    relay = await TestRelay.start({ origins: ['https://app.example.com'], names: ['relay.example'] })
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
    socket.write('GET /socket HTTP/1.1\r\nHost: localhost\r\n')
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

  it('[RL2] gives one address only so many sockets in a second, then no connection, and other addresses theirs', async () => {
    relay = await TestRelay.start({ socketsPerSecond: 0.1 })
    expect(await upgradeStatus(relay, {})).toBe(101)
    expect(await upgradeStatus(relay, {})).toBe(101)
    // A page that keeps its connection is told; whoever comes anew is not even heard.
    await expect(upgradeStatus(relay, {})).rejects.toThrow('socket hang up')
    expect(await upgradeStatus(relay, {}, { from: '127.0.0.2' })).toBe(101)
    const shown = { authorization: `Bearer ${relay.adminToken}` }
    expect((await readPage(relay, '/metrics', '127.0.0.2', shown)).match(/^entente_refused_upgrades_total.*/gm)).toEqual([
      'entente_refused_upgrades_total{status="429"} 1',
    ])
  })

  it('[RL2] counts a hello that fails as more sockets', async () => {
    relay = await TestRelay.start({ socketsPerSecond: 0.3 })
    const mallory = new RelayClient(relay.url)
    const vera = await createDevice(await createOrg())
    await mallory.next('challenge')
    mallory.send(vera.hello(new Uint8Array(16), mallory.relayName))
    expect((await mallory.next('failed')).code).toBe('AUTH')
    expect(await upgradeStatus(relay, {})).toBe(101)
    await expect(upgradeStatus(relay, {})).rejects.toThrow('socket hang up')
  })

  it('[RL2] gives one address only so many sockets that have no session, and frees the place of one that opens', async () => {
    relay = await TestRelay.start({ silentSocketsPerAddress: 2 })
    const clients = [1, 2].map(() => new RelayClient(relay.url))
    const { nonce } = (await Promise.all(clients.map((client) => client.next('challenge'))))[0] ?? { nonce: new Uint8Array() }
    expect(await upgradeStatus(relay, {})).toBe(429)
    const vera = await createDevice(await createOrg())
    clients[0]?.send(...vera.introduce(nonce, clients[0].relayName))
    await clients[0]?.next('welcome')
    expect(await upgradeStatus(relay, {}, { stay: true })).toBe(101)
    expect(await upgradeStatus(relay, {})).toBe(429)
    await clients[1]?.close()
    await expect.poll(() => upgradeStatus(relay, {})).toBe(101)
  })

  it('[RL2] ends the oldest of too many sockets that say no hello, so that a device that says its own at once gets in', async () => {
    relay = await TestRelay.start({ silentSockets: 2 })
    const [oldest, older] = [new RelayClient(relay.url), new RelayClient(relay.url)]
    await Promise.all([oldest.next('challenge'), older.next('challenge')])
    const vera = await RelayClient.connect(relay.url, await createDevice(await createOrg()))
    expect((await Promise.race([oldest.next('failed'), older.next('failed')])).code).toBe('RATE')
    vera.send({ type: 'askGateway', id: 1, feed: 9, key: parseKey('k') })
    expect((await vera.next('refused')).code).toBe('FEED')
  })

  it('refuses a socket that is asked for under another name than the relay’s, as a page does whose name leads here (row 77)', async () => {
    relay = await TestRelay.start({ names: ['relay.example:8443'] })
    const rebound = { host: `attack.example:${relay.port}`, origin: `http://attack.example:${relay.port}` }
    expect(await upgradeStatus(relay, rebound)).toBe(403)
    expect(await upgradeStatus(relay, { host: rebound.host })).toBe(403)
    expect(await upgradeStatus(relay, { host: rebound.host }, { path: '/gateway/x/y?token=z' })).toBe(403)
    for (const host of ['relay.example:8443', 'RELAY.example:8443', `localhost:${relay.port}`, '127.0.0.1', '[::1]:1'])
      expect(await upgradeStatus(relay, { host }), host).toBe(101)
    expect(await readPage(relay, '/healthz', '127.0.0.1', { host: '10.1.2.3:8787' })).toBe('ok\n')
  })

  it('counts whom it turned away, by the status', async () => {
    relay = await TestRelay.start({ socketsPerAddress: 1 })
    await upgradeStatus(relay, { origin: 'https://elsewhere.example' })
    await upgradeStatus(relay, {}, { path: '/gateway/x/y?token=z' })
    const client = new RelayClient(relay.url)
    await client.next('challenge')
    for (const _ of [1, 2]) await upgradeStatus(relay, {})
    const figures = (await (await relay.ask('/metrics')).text()).match(/^entente_refused_upgrades_total.*/gm)
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

/** What a GET from an address of this machine gives. */
function readPage(
  { port }: TestRelay,
  path: string,
  localAddress: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, localAddress, headers, agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (part: string) => (text += part))
      response.on('end', () => resolve(text))
    })
    asked.on('error', reject)
    asked.end()
  })
}
