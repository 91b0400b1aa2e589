import { connectionId, decodeRoster, parseOrgId, type Role } from '@entente/protocol'
import { beforeAll, describe, expect, it } from 'vitest'
import { seededRandom } from '../testing/index.js'
import { type DeviceLookup, signDecision, verifyDecision } from './decision.js'
import { createExchangeKey, createKeyPair, type KeyPair } from './keys.js'
import { signRoster } from './roster.js'

const random = seededRandom(1)
let [root, device, other]: KeyPair[] = []

beforeAll(async () => {
  ;[root, device, other] = [await createKeyPair(), await createKeyPair(), await createKeyPair()]
})

async function setUp(role: Role = 'admin') {
  if (!root || !device || !other) throw new Error('no keys')
  const by = { root }
  const org = parseOrgId(root.thumbprint)
  const connection = connectionId(org, parseOrgId('P'.repeat(43)), 'salt')
  const listed = async (key: KeyPair, person: string, as: Role) => ({
    key: key.publicJwk.x,
    exchange: (await createExchangeKey(random)).public,
    person,
    role: as,
  })
  const devices = [await listed(device, 'vera', role), await listed(other, 'victor', 'admin')]
  const lookup = async (from: number): Promise<DeviceLookup> => {
    const token = await signRoster({ org, number: 1, time: 0, devices: devices.slice(from) }, by)
    const roster = decodeRoster(token)
    return { device: async (of, id) => (of === org ? roster.devices.get(id) : undefined) }
  }
  const claims = { iss: org, by: 'vera', iat: 1_800_000_000, connection, terms: 'as agreed' }
  const jws = await signDecision(device, 'proposal', claims)
  return { org, connection, device, other, claims, jws, devices: await lookup(0), withoutVera: await lookup(1), any: { org, connection } }
}

describe('a signed decision', () => {
  it('[SD1] tells who decided what and when, and keeps its terms', async () => {
    const { jws, devices, any, claims, device: signer } = await setUp()
    expect(await verifyDecision(jws, 'proposal', devices, { ...any, role: 'admin' })).toEqual({
      ok: true,
      decision: claims,
      device: signer.thumbprint,
    })
  })

  it('[SD2] is refused as another kind, of another connection, and with a byte changed', async () => {
    const { jws, devices, any } = await setUp()
    const elsewhere = connectionId(any.org, parseOrgId('Q'.repeat(43)), 'salt')
    const bent = jws.replace(/\.([^.]+)\./, (whole, payload: string) =>
      whole.replace(payload, payload.slice(0, -2) + (payload.endsWith('A') ? 'BB' : 'AA')),
    )
    for (const refused of [
      verifyDecision(jws, 'acceptance', devices, any),
      verifyDecision(jws, 'proposal', devices, { ...any, connection: elsewhere }),
      verifyDecision(bent, 'proposal', devices, any),
      verifyDecision('no.jws.here', 'proposal', devices, any),
    ]) {
      expect(await refused).toMatchObject({ ok: false, reason: expect.any(String) })
    }
  })

  it.each(['member', 'agent'] as const)('[SD2] of an admin is refused from a device of the role %s (row 41)', async (role) => {
    const { jws, devices, any } = await setUp(role)
    expect(await verifyDecision(jws, 'proposal', devices, any)).toMatchObject({ ok: true })
    const refused = await verifyDecision(jws, 'proposal', devices, { ...any, role: 'admin' })
    expect(refused).toMatchObject({ ok: false, reason: expect.stringContaining('admin') })
  })

  it('[SD2, RO3] is refused from a device that is not on the roster, or not on it any more (row 42), or of another org', async () => {
    const { jws, devices, withoutVera, any } = await setUp()
    const refused = await verifyDecision(jws, 'proposal', withoutVera, any)
    expect(refused).toMatchObject({ ok: false, reason: expect.stringContaining('roster') })
    const strange = { ...any, org: parseOrgId('S'.repeat(43)) }
    expect(await verifyDecision(jws, 'proposal', devices, strange)).toMatchObject({ ok: false })
    const unknown = await createKeyPair()
    const unlisted = await signDecision(unknown, 'proposal', { iss: any.org, by: 'vera', iat: 0, connection: any.connection })
    expect(await verifyDecision(unlisted, 'proposal', devices, any)).toMatchObject({ ok: false })
  })

  it('[SD2] is refused when it speaks for another person than its device is on the roster for', async () => {
    const { devices, claims, any, device: signer } = await setUp()
    const jws = await signDecision(signer, 'proposal', { ...claims, by: 'paul' })
    expect(await verifyDecision(jws, 'proposal', devices, any)).toMatchObject({ ok: false, reason: expect.stringContaining('person') })
  })

  it('[SD2] is refused when it names another org than the one whose roster has its device', async () => {
    const { devices, claims, any, device: signer } = await setUp()
    const jws = await signDecision(signer, 'proposal', { ...claims, iss: parseOrgId('Q'.repeat(43)) })
    expect(await verifyDecision(jws, 'proposal', devices, any)).toMatchObject({ ok: false, reason: expect.stringContaining('another org') })
  })

  it('[SD2] counts whatever its date: no clock decides about it', async () => {
    const { devices, claims, any, device: signer } = await setUp()
    for (const iat of [0, 1_000, 4_000_000_000]) {
      const jws = await signDecision(signer, 'proposal', { ...claims, iat })
      expect(await verifyDecision(jws, 'proposal', devices, any)).toMatchObject({ ok: true, decision: { iat } })
    }
  })

  it('keys stay on the device: the private half cannot be exported', async () => {
    const { device: signer } = await setUp()
    expect(signer.privateKey).toMatchObject({ extractable: false, type: 'private' })
  })
})
