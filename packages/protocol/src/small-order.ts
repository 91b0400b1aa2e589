import { fromBase64UrlEncoded, toHexString } from 'lib0/buffer'

// Under a key of small order anyone can sign, and what is sealed to one anyone can open. No honest device makes such a key.

/** The points of small order of Ed25519 and X25519 in every spelling below 2^255, with the sign bit cleared, in hex: RFC 7748 section 6.1, RFC 8032 section 8.9. */
const smallOrder: ReadonlySet<string> = new Set([
  // Both curves: 0, 1, p - 1, p, p + 1.
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  // Order 8 on Ed25519.
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  // Order 8 on X25519.
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
])

/** Whether a public key of Ed25519 or X25519 is of small order. @param x the key's 32 bytes, base64url */
export function isSmallOrder(x: string): boolean {
  const bytes = fromBase64UrlEncoded(x).slice()
  const last = bytes[31]
  if (last !== undefined) bytes[31] = last & 0x7f
  return smallOrder.has(toHexString(bytes))
}
