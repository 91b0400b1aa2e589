import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { trustProxies } from '../config/network.js'
import { type Peer, readPeer } from './peer.js'
import { TestRelay, upgradeStatus } from '../testing/index.js'

const proxies = trustProxies(['10.0.0.0/8', 'fd00::/8'])

describe('who asks', () => {
  it.each([
    ['a stranger’s header counts for nothing', '203.0.113.9', '198.51.100.1', '203.0.113.9'],
    ['a proxy says whom it speaks for', '10.0.0.1', '203.0.113.9', '203.0.113.9'],
    ['a proxy on an IPv6 socket too', '::ffff:10.0.0.1', '203.0.113.9', '203.0.113.9'],
    ['what the stranger wrote before the proxy’s entry is left out', '10.0.0.1', '198.51.100.1, 203.0.113.9', '203.0.113.9'],
    ['proxies behind proxies are passed over', '10.0.0.1', '198.51.100.1, 203.0.113.9, 10.0.0.3, 10.0.0.2', '203.0.113.9'],
    ['a name of a proxy that the stranger wrote ends nothing', '10.0.0.1', '10.0.0.9, 203.0.113.9', '203.0.113.9'],
    ['ports and brackets are taken off', '10.0.0.1', '203.0.113.9:4711', '203.0.113.9'],
    ['the same for IPv6', 'fd00::1', '[2001:db8::5]:4711', '2001:db8::5'],
    ['what is no address ends the chain', '10.0.0.1', '203.0.113.9, unknown, 10.0.0.2', '10.0.0.2'],
    ['a proxy that says nothing stands for itself', '10.0.0.1', '', '10.0.0.1'],
  ])('%s', (_, socket, forwarded, address) => {
    expect(peerOf(socket, { 'x-forwarded-for': forwarded }).address).toBe(address)
  })

  it('hears host, protocol and request id from a proxy only', () => {
    const headers = { host: 'inner:8787', 'x-forwarded-host': 'relay.example', 'x-forwarded-proto': 'https', 'x-request-id': 'abc-123' }
    expect(peerOf('10.0.0.1', headers)).toMatchObject({ host: 'relay.example', isSecure: true, request: 'abc-123' })
    const stranger = peerOf('203.0.113.9', headers)
    expect(stranger).toMatchObject({ host: 'inner:8787', isSecure: false })
    expect(stranger.request).toMatch(/^[0-9a-f]{12}$/)
    expect(peerOf('10.0.0.1', { ...headers, 'x-request-id': 'a "quoted" one' }).request).toMatch(/^[0-9a-f]{12}$/)
  })
})

describe('a relay behind a proxy', () => {
  let relay: TestRelay
  afterEach(() => relay.stop())

  it('[RL2] counts sockets by the address that the proxy names, not by the proxy’s', async () => {
    relay = await TestRelay.start({ socketsPerAddress: 1, trustedProxies: ['127.0.0.1'] })
    const from = (address: string) => upgradeStatus(relay, { 'x-forwarded-for': address }, { stay: true })
    expect(await from('203.0.113.1')).toBe(101)
    expect(await from('198.51.100.1, 203.0.113.1')).toBe(429)
    expect(await from('203.0.113.2')).toBe(101)
    expect(await from('2001:db8::1')).toBe(101)
    expect(await from('2001:db8::2')).toBe(429)
  })

  it('[RL2] counts new sockets by that address too, and tells it, since the connection is the proxy’s', async () => {
    relay = await TestRelay.start({ socketsPerSecond: 0.1, trustedProxies: ['127.0.0.1'] })
    const from = (address: string) => upgradeStatus(relay, { 'x-forwarded-for': address })
    for (const status of [101, 101, 429, 429]) expect(await from('2001:db8::1')).toBe(status)
    expect(await from('2001:db8::2')).toBe(429)
    expect(await from('203.0.113.2')).toBe(101)
    expect(relay.lines.filter((line) => line.includes('upgrade-refused'))).toHaveLength(1)
  })

  it('does not hear those headers from anyone else (row 37)', async () => {
    relay = await TestRelay.start({ socketsPerAddress: 1, trustedProxies: ['10.0.0.0/8'] })
    const forged = { origin: 'https://elsewhere.example', 'x-forwarded-host': 'elsewhere.example' }
    expect(await upgradeStatus(relay, forged)).toBe(403)
    expect(await upgradeStatus(relay, { 'x-forwarded-for': '203.0.113.1' }, { stay: true })).toBe(101)
    expect(await upgradeStatus(relay, { 'x-forwarded-for': '203.0.113.2' })).toBe(429)
  })

  it('knows its own pages by the name that the proxy was asked by, and by TLS where that was used (row 2)', async () => {
    relay = await TestRelay.start({ trustedProxies: ['127.0.0.0/8'], names: ['relay.example'] })
    const forwarded = { host: 'inner:8787', 'x-forwarded-host': 'relay.example', 'x-forwarded-proto': 'https' }
    expect(await upgradeStatus(relay, { ...forwarded, origin: 'https://relay.example' })).toBe(101)
    expect(await upgradeStatus(relay, { ...forwarded, origin: 'http://relay.example' })).toBe(403)
    expect(await upgradeStatus(relay, { ...forwarded, origin: 'https://inner:8787' })).toBe(403)
    expect(await upgradeStatus(relay, { ...forwarded, 'x-forwarded-host': 'RELAY.example:443', origin: 'https://relay.example' })).toBe(101)
  })
})

function peerOf(remoteAddress: string, headers: IncomingHttpHeaders): Peer {
  return readPeer({ headers, socket: { remoteAddress } as IncomingMessage['socket'] }, proxies)
}
