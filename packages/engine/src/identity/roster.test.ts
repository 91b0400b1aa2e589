import { decodeRoster, helloType, parseOrgId, thumbprintOf } from '@entente/protocol'
import vectors from '@entente/protocol/vectors/roster.json' with { type: 'json' }
import { ed25519, x25519 } from '@noble/curves/ed25519.js'
import { decodeProtectedHeader } from 'jose'
import { fromBase64UrlEncoded, toBase64UrlEncoded } from 'lib0/buffer'
import { encodeUtf8 } from 'lib0/string'
import { describe, expect, it } from 'vitest'
import { readChain, readRoster } from './roster.js'

const org = parseOrgId(vectors.org)
const tokens = vectors.chain.map(({ token }) => token)
const keys: Readonly<Record<string, { readonly d: string; readonly x: string; readonly thumbprint: string }>> = vectors.keys

/** Signs a token again: signatures of Ed25519 are determined by key and text. */
function signedBy(name: string, token: string): string {
  const text = token.slice(0, token.lastIndexOf('.'))
  const secret = fromBase64UrlEncoded(keys[name]?.d ?? '')
  return `${text}.${toBase64UrlEncoded(ed25519.sign(encodeUtf8(text), secret))}`
}

describe('the vectors of rosters', () => {
  it('[RO1] have the keys, the ids and the signatures that they say', () => {
    for (const { d, x, thumbprint } of Object.values(keys)) {
      expect(toBase64UrlEncoded(ed25519.getPublicKey(fromBase64UrlEncoded(d)))).toBe(x)
      expect(thumbprintOf(x)).toBe(thumbprint)
    }
    for (const { d, x } of Object.values(vectors.exchange)) expect(toBase64UrlEncoded(x25519.getPublicKey(fromBase64UrlEncoded(d)))).toBe(x)
    for (const { token, signedBy: signer } of vectors.chain) expect(signedBy(signer, token)).toBe(token)
  })

  it('[RO1] are a chain that is read link by link, and not with a link left out or in another order', async () => {
    expect((await readChain(tokens, org))?.map(({ number }) => number)).toEqual([1, 2, 7])
    expect(await readChain(tokens.slice(1, 2), org)).toBeUndefined()
    expect(await readChain(tokens.toReversed(), org)).toBeUndefined()
    expect(await readChain(tokens, parseOrgId('S'.repeat(43)))).toBeUndefined()
    expect(await readChain([], org)).toBeUndefined()
  })

  it.each(vectors.refused)('[RO1, RO2] are not read: $name', async ({ token, after }) => {
    expect(await readRoster(token, org, after === undefined ? undefined : decodeRoster(after))).toBeUndefined()
  })

  it('[ID3] have a hello that its device signed', () => {
    const { token, claims } = vectors.hello
    expect(decodeProtectedHeader(token)).toEqual({ alg: 'EdDSA', typ: helloType, kid: keys['victor']?.thumbprint })
    expect(token.split('.')[1]).toBe(toBase64UrlEncoded(encodeUtf8(JSON.stringify(claims))))
    expect(signedBy('victor', token)).toBe(token)
  })
})

it('[RO2] refuses every point of small order of both curves, in each of its spellings', () => {
  const first = vectors.chain[0]
  if (!first) throw new Error('no vectors')
  const part = (value: object): string => toBase64UrlEncoded(encodeUtf8(JSON.stringify(value)))
  const header = part({ alg: 'EdDSA', typ: 'entente-roster+jwt', kid: keys['vera']?.thumbprint })
  const listed = first.claims.devices[0]
  const form = (change: object): string =>
    `${header}.${part({ ...first.claims, number: 2, previous: first.hash, devices: [{ ...listed, ...change }] })}.AA`
  expect(decodeRoster(form({})).number).toBe(2)
  const points: Uint8Array[] = []
  // The torsion points of Ed25519, as the curve's own arithmetic makes them from one of order 8.
  const eighth = ed25519.Point.fromHex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a')
  for (let times = 1n; times <= 8n; times++) points.push((times === 8n ? ed25519.Point.ZERO : eighth.multiply(times)).toBytes())
  expect(new Set(points.map((point) => point.join())).size).toBe(8)
  for (const point of points) expect(() => decodeRoster(form({ key: toBase64UrlEncoded(point) }))).toThrow('another form')
  // What X25519 turns into zeros, whatever the other key: the exchange would be known to everyone.
  for (const hex of [
    'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
    '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  ]) {
    const point = Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16))
    expect(() => x25519.getSharedSecret(new Uint8Array(32).fill(5), point)).toThrow()
    expect(() => decodeRoster(form({ exchange: toBase64UrlEncoded(point) }))).toThrow('another form')
  }
})

it('[RO2] refuses a second spelling of a key: a number of the field’s prime or more, or the bit that X25519 ignores', () => {
  const [first] = vectors.chain
  const listed = first?.claims.devices[0]
  const part = (value: object): string => toBase64UrlEncoded(encodeUtf8(JSON.stringify(value)))
  const header = part({ alg: 'EdDSA', typ: 'entente-roster+jwt', kid: keys['vera']?.thumbprint })
  const form = (change: object): string =>
    `${header}.${part({ ...first?.claims, number: 2, previous: first?.hash, devices: [{ ...listed, ...change }] })}.AA`
  for (let low = 0xed; low <= 0xff; low++) {
    const number = new Uint8Array(32).fill(0xff)
    number[0] = low
    for (const high of [0x7f, 0xff]) {
      number[31] = high
      for (const name of ['key', 'exchange'])
        expect(() => decodeRoster(form({ [name]: toBase64UrlEncoded(number) }))).toThrow('another form')
    }
  }
  const exchange = fromBase64UrlEncoded(listed?.exchange ?? '')
  const again = exchange.with(31, (exchange[31] ?? 0) | 0x80)
  const secret = new Uint8Array(32).fill(5)
  expect(x25519.getSharedSecret(secret, again)).toEqual(x25519.getSharedSecret(secret, exchange))
  expect(() => decodeRoster(form({ exchange: toBase64UrlEncoded(again) }))).toThrow('another form')
})
