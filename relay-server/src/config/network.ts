import { BlockList, isIP } from 'node:net'

/** The addresses of proxies whose X-Forwarded headers the relay trusts. */
export interface TrustedProxies {
  has(address: string): boolean
}

/**
 * @param networks addresses or CIDR networks: `10.0.0.7`, `10.0.0.0/8`, `fd00::/8`
 * @throws Error for one that is neither
 */
export function trustProxies(networks: readonly string[]): TrustedProxies {
  const list = new BlockList()
  for (const network of networks) {
    const parsed = parseNetwork(network)
    if (!parsed) throw new Error(`"${network}" is neither an address nor a network such as 10.0.0.0/8.`)
    list.addSubnet(parsed.address, parsed.prefix, parsed.family)
  }
  // Most relays trust none, and this is asked at every upgrade.
  if (networks.length === 0) return { has: () => false }
  return { has: (address) => isIP(address) !== 0 && list.check(address, familyOf(address)) }
}

/** Reads `address` or `address/prefix`; undefined for anything else. */
export function parseNetwork(
  text: string,
): { readonly address: string; readonly prefix: number; readonly family: 'ipv4' | 'ipv6' } | undefined {
  const [address = '', prefix, ...rest] = text.split('/')
  if (isIP(address) === 0 || address.includes('%') || rest.length > 0) return undefined
  const longest = familyOf(address) === 'ipv4' ? 32 : 128
  if (prefix !== undefined && (!/^\d{1,3}$/.test(prefix) || Number(prefix) > longest)) return undefined
  return { address, prefix: prefix === undefined ? longest : Number(prefix), family: familyOf(address) }
}

/** The form in which addresses are counted and compared: an IPv4 address from an IPv6 socket (`::ffff:10.0.0.7`) becomes plain IPv4. */
export function plainAddress(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  return mapped ?? address
}

const loopbackNames = new Set(['localhost', '127.0.0.1', '[::1]'])

/** Whether a host name means the machine that uses it. @param hostname without its port */
export function isLoopbackName(hostname: string): boolean {
  return loopbackNames.has(hostname)
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4'
}
