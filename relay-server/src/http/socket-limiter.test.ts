import { expect, it } from 'vitest'
import { countedAs } from './socket-limiter.js'

it('counts an IPv6 address by the network that its owner has', () => {
  expect(countedAs('10.0.0.7')).toBe('10.0.0.7')
  for (const address of ['2001:db8:0:5::1', '2001:db8:0:5:ffff:1:2:3', '2001:DB8::5:0:0:0:1'])
    expect(countedAs(address)).toBe('2001:db8:0:5::/64')
  expect(countedAs('::1')).toBe('0:0:0:0::/64')
  expect(countedAs('2001:db8::')).toBe('2001:db8:0:0::/64')
  expect(countedAs('')).toBe('')
})
