import { decodeRoster, limits, parseDeviceId, parseOrgId } from '@entente/protocol'
import rosters from '@entente/protocol/vectors/roster.json' with { type: 'json' }
import vectors from '@entente/protocol/vectors/rotation.json' with { type: 'json' }
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../testing/index.js'
import { createExchangeKey, createKeyPair } from './keys.js'
import {
  decodeOwnRotation,
  openOwnRotation,
  openOwnRotationByKit,
  prevailing,
  readOwnRotation,
  signOwnRotation,
  type VerifiedOwnRotation,
} from './own-rotation.js'
import { rotationKey } from '../replica/feed-role.js'
import { signRoster } from './roster.js'

const org = parseOrgId(vectors.own.org)
const chain = rosters.chain.map(({ token }) => decodeRoster(token))
const devices = Object.entries(rosters.exchange).map(([name, { d: secret, x }]) => {
  const { thumbprint } = rosters.keys[name as keyof typeof rosters.exchange]
  return { device: parseDeviceId(thumbprint), key: { secret, public: x } }
})
const [of2, of7] = vectors.own.rotations
const read = async (token: string | undefined, known = chain): Promise<VerifiedOwnRotation> => {
  const rotation = await readOwnRotation(token ?? '', org, known)
  if (!rotation) throw new Error('This rotation does not count.')
  return rotation
}

describe('the vectors of an org’s rotations', () => {
  it.each(vectors.own.rotations)('[RT1, RT2] hold for one $name', async ({ token, claims, secret, roster, generation }) => {
    const rotation = await read(token)
    expect(rotation).toMatchObject({ ...claims, generation, on: { number: roster } })
    expect(rotationKey(generation)).toBe(`rotation.${generation}`)
    // Each device of the roster opens its own, and no other device any.
    const opened = await Promise.all(devices.map(({ device, key }) => openOwnRotation(rotation, device, key)))
    expect(opened).toEqual(devices.map(({ device }) => (rotation.on.devices.has(device) ? secret : undefined)))
    const byKit = await openOwnRotationByKit(rotation, vectors.kit)
    expect(byKit).toBe('kit' in claims ? secret : undefined)
  })

  it.each(vectors.own.refused)('[RT2] hold for one that does not count: $name (row 94)', async ({ token }) => {
    expect(await readOwnRotation(token, org, chain)).toBeUndefined()
  })

  it('[RT3] hold for two of one generation: the one of the higher roster counts, whichever came first', async () => {
    const [earlier, later] = [await read(of2?.token), await read(of7?.token)]
    expect(earlier.generation).toBe(later.generation)
    expect([prevailing(undefined, earlier), prevailing(earlier, later), prevailing(later, earlier)]).toEqual([earlier, later, later])
  })
})

describe('an org that removes a device', () => {
  const random = seededRandom(11)
  const secret = 'S'.repeat(42) + 'A'
  const listed = async (person: string, role: 'admin' | 'member') => {
    const [pair, exchange] = [await createKeyPair(), await createExchangeKey(random)]
    return {
      pair,
      exchange,
      device: parseDeviceId(pair.thumbprint),
      line: { key: pair.publicJwk.x, exchange: exchange.public, person, role },
    }
  }
  const story = async () => {
    const root = await createKeyPair()
    const own = parseOrgId(root.thumbprint)
    const [vera, victor] = [await listed('vera', 'admin'), await listed('victor', 'admin')]
    const first = decodeRoster(await signRoster({ org: own, number: 1, time: 1, devices: [vera.line, victor.line] }, { root }))
    const next = { org: own, number: 2, previous: first.hash, time: 2, devices: [vera.line] }
    const second = decodeRoster(await signRoster(next, { device: vera.pair }))
    return { own, vera, victor, first, second }
  }

  it('[RT2] hands the next secret to those who stay: Victor, who was removed, opens nothing', async () => {
    const { own, vera, victor, first, second } = await story()
    const token = await signOwnRotation({ generation: 1, secret, roster: second, time: 3 }, vera.pair)
    const rotation = await readOwnRotation(token, own, [first, second])
    if (!rotation) throw new Error('This rotation does not count.')
    expect(await openOwnRotation(rotation, vera.device, vera.exchange)).toBe(secret)
    expect(await openOwnRotation(rotation, victor.device, victor.exchange)).toBeUndefined()
    expect(await openOwnRotation(rotation, vera.device, victor.exchange)).toBeUndefined()
  })

  it('[RT2, RT3] does not follow Victor, who signs a rotation on the roster that he was on', async () => {
    const { own, vera, victor, first, second } = await story()
    const genuine = await readOwnRotation(await signOwnRotation({ generation: 1, secret, roster: second, time: 3 }, vera.pair), own, [
      first,
      second,
    ])
    const his = await readOwnRotation(await signOwnRotation({ generation: 1, secret, roster: first, time: 9 }, victor.pair), own, [
      first,
      second,
    ])
    if (!genuine || !his) throw new Error('Both are signed by an admin of the roster that they name.')
    expect(prevailing(genuine, his)).toBe(genuine)
    expect(prevailing(his, genuine)).toBe(genuine)
    // On the roster without him he is nobody.
    const forged = await signOwnRotation({ generation: 1, secret, roster: second, time: 9 }, victor.pair)
    expect(await readOwnRotation(forged, own, [first, second])).toBeUndefined()
  })

  it('[RT3] goes by the lower text of two that name one roster, whichever came first', async () => {
    const { own, vera, victor, first } = await story()
    const made = await Promise.all(
      [vera, victor].map(({ pair }) => signOwnRotation({ generation: 1, secret, roster: first, time: 3 }, pair)),
    )
    const [lower, higher] = await Promise.all(made.toSorted().map((token) => readOwnRotation(token, own, [first])))
    if (!lower || !higher) throw new Error('Both are signed by an admin of the roster that they name.')
    expect([prevailing(lower, higher), prevailing(higher, lower)]).toEqual([lower, lower])
  })

  it('[RT2] tells a text that is no rotation, and one that is too large, by the error', async () => {
    expect(() => decodeOwnRotation('rotation')).toThrow(expect.objectContaining({ name: 'ProtocolError', code: 'FRAME' }))
    expect(() => decodeOwnRotation('x'.repeat(limits.rosterBytes + 1))).toThrow(expect.objectContaining({ code: 'SIZE' }))
  })

  it('[RT2] has room for the most devices that a roster can have', async () => {
    const root = await createKeyPair()
    const admin = await listed('vera', 'admin')
    const others = await Promise.all(Array.from({ length: limits.devicesPerOrg - 1 }, () => listed('p'.repeat(4), 'member')))
    const claims = { org: parseOrgId(root.thumbprint), number: 1, time: 1, devices: [admin, ...others].map(({ line }) => line) }
    const roster = decodeRoster(await signRoster(claims, { root }))
    const kit = await createExchangeKey(random)
    const token = await signOwnRotation({ generation: 255, secret, roster, kit: kit.public, time: 1 }, admin.pair)
    expect(token.length).toBeLessThan(limits.rosterBytes)
    const rotation = await readOwnRotation(token, roster.org, [roster])
    const last = others.at(-1)
    expect(rotation && last && (await openOwnRotation(rotation, last.device, last.exchange))).toBe(secret)
    expect(rotation && (await openOwnRotationByKit(rotation, kit))).toBe(secret)
  })
})
