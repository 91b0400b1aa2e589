import { toBase64UrlEncoded } from 'lib0/buffer'
import { encodeUtf8 } from 'lib0/string'
import { describe, expect, it } from 'vitest'
import vectors from '../vectors/roster.json' with { type: 'json' }
import { parseDeviceId, parseKey } from './id.js'
import { limits } from './limits.js'
import { decodeRoster, rosterKey, rosterNumber, signingKeyOf, thumbprintOf } from './roster.js'
import { isSoundKey } from './sound-key.js'

const [first, second, seventh] = vectors.chain
const { root, vera, victor, agent } = vectors.keys
/** A roster as it stands unsigned: this file looks at the form alone. */
const unsigned = (claims: object): string => `${part({ alg: 'EdDSA', typ: 'entente-roster+jwt', kid: vera.thumbprint })}.${part(claims)}.AA`
const part = (value: object): string => toBase64UrlEncoded(encodeUtf8(JSON.stringify(value)))

describe('a roster', () => {
  it('[RO1] is read as it was signed, and follows the one before it under the key of its signer', () => {
    expect(thumbprintOf(root.x)).toBe(vectors.org)
    for (const [index, { token, claims, hash, signedBy }] of vectors.chain.entries()) {
      const roster = decodeRoster(token)
      expect(roster).toMatchObject({ token, hash, org: vectors.org, number: claims.number, time: claims.time })
      expect([...roster.devices]).toEqual(
        claims.devices.map((listed) => [thumbprintOf(listed.key), { id: thumbprintOf(listed.key), ...listed }]),
      )
      const before = vectors.chain[index - 1]
      const { x } = signingKeyOf(roster, before && decodeRoster(before.token))
      expect(x).toBe({ root, vera, victor, agent }[signedBy]?.x)
    }
  })

  it.each(vectors.refused.filter(({ code }) => code === 'FRAME'))('[RO2] is refused $name', ({ token }) => {
    for (const before of [undefined, decodeRoster(first?.token ?? '')])
      expect(() => decodeRoster(token, before)).toThrow(expect.objectContaining({ code: 'FRAME' }))
  })

  it('is read alike after any other, of which it takes the ids of the devices that both name', () => {
    const decoded = vectors.chain.map(({ token }) => decodeRoster(token))
    for (const roster of decoded) for (const before of decoded) expect(decodeRoster(roster.token, before)).toEqual(roster)
    const ids = vectors.chain.map((_, index) => parseDeviceId(String(index).padStart(43, 'A')))
    const known = decodeRoster(first?.token ?? '')
    const devices = new Map([...known.devices.values()].map((device, index) => [device.id, { ...device, id: ids[index] ?? device.id }]))
    expect([...decodeRoster(second?.token ?? '', { ...known, devices }).devices.keys()]).toContain(ids[0])
  })

  it.each(vectors.refused.filter(({ code, name }) => code === 'AUTH' && !name.includes('signature')))(
    '[RO1] does not count $name',
    ({ token, after }) => {
      expect(() => signingKeyOf(decodeRoster(token), after === undefined ? undefined : decodeRoster(after))).toThrow(
        expect.objectContaining({ code: 'AUTH' }),
      )
    },
  )

  it('[RO1] signed by the root key follows any earlier one, and never a later one', () => {
    const [one, , seven] = [first, second, seventh].map((link) => decodeRoster(link?.token ?? ''))
    expect(seven && signingKeyOf(seven, one).x).toBe(root.x)
    expect(() => one && signingKeyOf(one, seven)).toThrow(expect.objectContaining({ code: 'AUTH' }))
  })

  it('[RO2] has at most a hundred devices, which fit, and a bounded size', () => {
    const key = (number: number): string => `${String(number).padStart(41, 'k')}AA`
    const devices = (count: number) =>
      Array.from({ length: count }, (_, index) => ({ key: key(index), exchange: key(index), person: 'p'.repeat(64), role: 'admin' }))
    const claims = { org: vectors.org, number: 2, previous: first?.hash, time: 0 }
    const full = unsigned({ ...claims, devices: devices(limits.devicesPerOrg) })
    expect(decodeRoster(full).devices.size).toBe(limits.devicesPerOrg)
    expect(() => decodeRoster(unsigned({ ...claims, devices: devices(limits.devicesPerOrg + 1) }))).toThrow(
      expect.objectContaining({ code: 'FRAME' }),
    )
    expect(() => decodeRoster(`${full}${'A'.repeat(limits.rosterBytes)}`)).toThrow(expect.objectContaining({ code: 'SIZE' }))
  })

  it.each(['', '.', '..', 'a.b.c', `${first?.token}.x`, first?.token.split('.').slice(0, 2).join('.') ?? ''])(
    'is no roster: %s',
    (text) => {
      expect(() => decodeRoster(text)).toThrow(expect.objectContaining({ code: 'FRAME' }))
    },
  )

  it('[RO5] stands under a key that names its number in one spelling', () => {
    expect(rosterNumber(rosterKey(12))).toBe(12)
    expect(rosterNumber(parseKey('policy'))).toBeUndefined()
    for (const key of ['roster.', 'roster.0', 'roster.01', 'roster.1e3', 'roster.-1', 'roster.2147483648', 'roster.x'])
      expect(() => rosterNumber(parseKey(key))).toThrow(expect.objectContaining({ code: 'FIELD' }))
  })
})

it('[RO2] knows a key of small order also with its sign bit set', () => {
  const withSign = new Uint8Array(32)
  withSign[31] = 0x80
  expect(isSoundKey(toBase64UrlEncoded(withSign))).toBe(false)
  for (const { x } of [root, vera, victor, agent, ...Object.values(vectors.exchange)]) expect(isSoundKey(x)).toBe(true)
})
