import { fromBase64UrlEncoded, toHexString } from 'lib0/buffer'

// Under a key of small order anyone can sign, and what is sealed to one anyone can open. No honest device makes such a key. Nor does one spell a key in a second way,
// under which the same key would have another id.

/** The points of small order of Ed25519 and X25519, with the sign bit cleared, in hex: RFC 7748 section 6.1, RFC 8032 section 8.9. */
const smallOrder: ReadonlySet<string> = new Set([
  // Both curves: 0, 1, p - 1.
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  // Order 8 on Ed25519.
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  // Order 8 on X25519.
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
])

/** Whether a public key of Ed25519 or X25519 is of large order, and its number below the prime of the field, 2^255 - 19. @param x the key's 32 bytes, base64url */
export function isSoundKey(x: string): boolean {
  const bytes = fromBase64UrlEncoded(x).slice()
  const last = bytes[31] ?? 0
  bytes[31] = last & 0x7f
  const isBelowPrime = (bytes[0] ?? 0) < 0xed || bytes[31] !== 0x7f || bytes.subarray(1, 31).some((byte) => byte !== 0xff)
  return isBelowPrime && !smallOrder.has(toHexString(bytes))
}

/** Whether the highest bit of a key is zero. Ed25519 keeps a sign there; X25519 ignores it. @param x the key's 32 bytes, base64url */
export function hasClearTop(x: string): boolean {
  return ((fromBase64UrlEncoded(x)[31] ?? 0) & 0x80) === 0
}
