import { decodeRoster, helloType, limits, parseOrgId, type Roster, thumbprintOf } from '@entente/protocol'
import vectors from '@entente/protocol/vectors/roster.json' with { type: 'json' }
import { ed25519, x25519 } from '@noble/curves/ed25519.js'
import { decodeProtectedHeader } from 'jose'
import { fromBase64UrlEncoded, toBase64UrlEncoded } from 'lib0/buffer'
import { encodeUtf8 } from 'lib0/string'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../testing/index.js'
import { createExchangeKey, createKeyPair } from './keys.js'
import { beyond, lastRemoval, leftOutOf, pathOf, readPath, readRoster, restoredAt, signRoster } from './roster.js'

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

  it('[RO1] are read in their order alone, from one that the root key signed', async () => {
    expect((await readPath(tokens, org))?.map(({ number }) => number)).toEqual([1, 2, 7])
    expect(await readPath(tokens.slice(1, 2), org)).toBeUndefined()
    expect(await readPath(tokens.toReversed(), org)).toBeUndefined()
    expect(await readPath(tokens, parseOrgId('S'.repeat(43)))).toBeUndefined()
    expect(await readPath([], org)).toBeUndefined()
  })

  it.each(vectors.refused)('[RO1, RO2] are not read: $name', async ({ token, after }) => {
    expect(await readRoster(token, org, after === undefined ? undefined : decodeRoster(after))).toBeUndefined()
  })

  it.each(vectors.paths)('[RO7] have a path $name', async ({ rosters, known, numbers }) => {
    const path = await readPath(rosters, org)
    const added = path && beyond(path, known === undefined ? undefined : decodeRoster(known))
    expect(added?.map(({ number }) => number) ?? null).toEqual(numbers)
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

describe('the path to an org’s highest roster', () => {
  const random = seededRandom(3)
  const person = async (name: string) => {
    const [pair, exchange] = [await createKeyPair(), await createExchangeKey(random)]
    return { pair, line: { key: pair.publicJwk.x, exchange: exchange.public, person: name, role: 'admin' as const } }
  }
  type Person = Awaited<ReturnType<typeof person>>

  /** An org whose rosters are made in one line each: who signs, and who is on it. */
  const newOrg = async () => {
    const [root, vera, victor, mia] = [await createKeyPair(), await person('vera'), await person('victor'), await person('mia')]
    const own = parseOrgId(root.thumbprint)
    const sign = async (
      by: Person | 'root',
      on: readonly Person[],
      before?: Roster,
      number = (before?.number ?? 0) + 1,
    ): Promise<Roster> => {
      const devices = on.map(({ line }) => line)
      const claims = { org: own, number, ...(before && { previous: before.hash }), time: number, devices }
      return decodeRoster(await signRoster(claims, by === 'root' ? { root } : { device: by.pair }))
    }
    const read = (rosters: readonly Roster[]) =>
      readPath(
        rosters.map(({ token }) => token),
        own,
      )
    return { own, vera, victor, mia, sign, read }
  }
  const numbers = (rosters: readonly Roster[] | undefined) => rosters?.map(({ number }) => number)

  it('[RO7] is two rosters where one admin has signed all, however many there are', async () => {
    const { vera, victor, sign, read } = await newOrg()
    const chain = [await sign('root', [vera])]
    for (let number = 2; number <= 30; number++) chain.push(await sign(vera, number % 2 === 0 ? [vera, victor] : [vera], chain.at(-1)))
    expect(numbers(pathOf(chain))).toEqual([1, 30])
    expect(numbers(await read(pathOf(chain)))).toEqual([1, 30])
  })

  it('[RO7] shows the roster that made its signer an admin’s device, and never jumps over one on which that was none', async () => {
    const { vera, victor, mia, sign, read } = await newOrg()
    const one = await sign('root', [vera])
    const two = await sign(vera, [vera, victor], one)
    const three = await sign(victor, [victor, mia], two)
    const four = await sign(mia, [vera, victor, mia], three)
    const five = await sign(vera, [vera, victor, mia], four)
    const chain = [one, two, three, four, five]
    expect(numbers(pathOf(chain))).toEqual([1, 2, 3, 4, 5])
    // From roster 1 to roster 5 at once, a reader who knows roster 3 could not follow Vera.
    for (const known of chain) expect(numbers(beyond(pathOf(chain), known))).toEqual(numbers(chain.slice(known.number)))
    const later = [...chain, await sign(victor, [victor], five)]
    expect(numbers(pathOf(later))).toEqual([1, 2, 6])
    for (const known of later) expect(beyond(pathOf(later), known)?.at(-1)?.number ?? known.number).toBe(6)
    expect(numbers(await read(pathOf(later)))).toEqual([1, 2, 6])
  })

  it('[RO7] counts only where each roster is signed by an admin’s device on the one before it, and few enough are left out', async () => {
    const { vera, victor, sign, read } = await newOrg()
    const one = await sign('root', [vera])
    expect(await read([one, await sign(victor, [victor], one, 5)])).toBeUndefined()
    expect(await read([one, await sign(vera, [vera], one, limits.rostersLeftOut + 3)])).toBeUndefined()
    const far = await sign(vera, [vera], one, limits.rostersLeftOut + 2)
    expect(numbers(await read([one, far]))).toEqual([1, limits.rostersLeftOut + 2])
    // No more in two steps than in one.
    expect(await read([one, far, await sign(vera, [vera], far, far.number + 2)])).toBeUndefined()
    expect(leftOutOf([one, far])).toBe(limits.rostersLeftOut)
    // A number that follows at once names the roster before it.
    const other = await sign(vera, [vera, victor], one)
    expect(await read([one, await sign(vera, [vera], other, 2)])).toBeUndefined()
  })

  it('[RO3, RO7] of who was removed wins over nothing that is known, whatever its numbers', async () => {
    const { vera, victor, sign } = await newOrg()
    const one = await sign('root', [vera])
    const two = await sign(vera, [vera, victor], one)
    const three = await sign(vera, [vera], two)
    const fork = await sign(victor, [victor], two, 500)
    expect(beyond([one, two, fork], three)).toBeUndefined()
    expect(beyond([one, two, await sign(victor, [victor], two)], three)).toBeUndefined()
    expect(beyond([one, two], three)).toEqual([])
    expect(numbers(beyond([one, two, fork], undefined))).toEqual([1, 2, 500])
    expect(numbers(beyond([one, await sign('root', [vera], three, 90)], three))).toEqual([90])
  })

  it('[RO7, RT9] says of a removal only where no roster between is left out', async () => {
    const { vera, victor, sign } = await newOrg()
    const one = await sign('root', [vera])
    const two = await sign(vera, [vera, victor], one)
    const three = await sign(vera, [vera], two)
    const four = await sign(vera, [vera, victor], three)
    expect(lastRemoval([one, two, three, four])).toBe(3)
    expect(lastRemoval([one, two, four])).toBe(0)
    // Whether nobody was removed since a recovery, only all rosters say.
    const back = await sign('root', [vera, victor], four, 1_004)
    const next = await sign(vera, [vera, victor], back)
    expect(restoredAt([back, next])).toBe(back.time)
    expect(restoredAt([back, await sign(vera, [vera, victor], next)])).toBe(0)
  })
})
