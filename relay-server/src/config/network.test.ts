import { describe, expect, it } from 'vitest'
import { parseNetwork, plainAddress, trustProxies } from './network.js'

describe('addresses', () => {
  it('reads addresses and networks, and nothing else', () => {
    expect(parseNetwork('10.0.0.7')).toEqual({ address: '10.0.0.7', prefix: 32, family: 'ipv4' })
    expect(parseNetwork('fd00::/8')).toEqual({ address: 'fd00::', prefix: 8, family: 'ipv6' })
    for (const text of ['', 'proxy.example', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8', '::/129', '::1/x', '010.0.0.1', 'fe80::1%eth0'])
      expect(parseNetwork(text)).toBeUndefined()
  })

  it('trusts the networks given and no other', () => {
    const proxies = trustProxies(['10.0.0.0/8', 'fd00::1'])
    expect(['10.255.0.1', 'fd00::1', 'fd00:0::1'].map((address) => proxies.has(address))).toEqual([true, true, true])
    expect(['11.0.0.1', 'fd00::2', '', 'unknown'].map((address) => proxies.has(address))).toEqual([false, false, false, false])
    expect(trustProxies([]).has('127.0.0.1')).toBe(false)
    expect(() => trustProxies(['proxy.example'])).toThrow('proxy.example')
  })

  it('takes an IPv4 address on an IPv6 socket as what it is', () => {
    expect(plainAddress('::ffff:10.0.0.7')).toBe('10.0.0.7')
    expect(['10.0.0.7', '::', '::1', '', 'localhost'].map(plainAddress)).toEqual(['10.0.0.7', '::', '::1', '', 'localhost'])
  })
})
