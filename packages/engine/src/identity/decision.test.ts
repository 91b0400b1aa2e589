import { connectionId, parseOrgId } from '@entente/protocol'
import { beforeAll, describe, expect, it } from 'vitest'
import { certifyDevice, createKeyPair, type KeyPair } from './certificate.js'
import { signDecision, verifyDecision } from './decision.js'

const now = Math.floor(Date.now() / 1000)
let [root, device, other]: KeyPair[] = []
let connection = connectionId(parseOrgId('V'.repeat(43)), parseOrgId('P'.repeat(43)), 'salt')

beforeAll(async () => {
  ;[root, device, other] = [await createKeyPair(), await createKeyPair(), await createKeyPair()]
  connection = connectionId(parseOrgId(root.thumbprint), parseOrgId('P'.repeat(43)), 'salt')
})

async function setUp(role: 'admin' | 'member' = 'admin') {
  if (!root || !device || !other) throw new Error('no keys')
  const org = parseOrgId(root.thumbprint)
  const certificate = await certifyDevice(root, device, { user: 'vera', role }, now)
  const claims = { iss: org, by: 'vera', iat: now, connection, terms: 'as agreed' }
  const jws = await signDecision(device, 'proposal', claims)
  return {
    org,
    device,
    other,
    root,
    claims,
    jws,
    peer: { org, certificates: [certificate] },
    admin: { connection, role: 'admin' as const },
  }
}

describe('a signed decision', () => {
  it('[SD1] tells who decided what and when, and keeps its terms', async () => {
    const { jws, peer, admin, claims } = await setUp()
    expect(await verifyDecision(jws, 'proposal', peer, admin)).toMatchObject({ ok: true, decision: claims })
  })

  it('[SD2] is refused as another kind, of another connection, and with a byte changed', async () => {
    const { jws, peer, admin } = await setUp()
    const elsewhere = connectionId(peer.org, parseOrgId('Q'.repeat(43)), 'salt')
    const bent = jws.replace(/\.([^.]+)\./, (whole, payload: string) =>
      whole.replace(payload, payload.slice(0, -2) + (payload.endsWith('A') ? 'BB' : 'AA')),
    )
    for (const refused of [
      verifyDecision(jws, 'acceptance', peer, admin),
      verifyDecision(jws, 'proposal', peer, { connection: elsewhere }),
      verifyDecision(bent, 'proposal', peer, admin),
      verifyDecision('no.jws.here', 'proposal', peer, admin),
    ]) {
      expect(await refused).toMatchObject({ ok: false, reason: expect.any(String) })
    }
  })

  it('[SD2] is refused from a device without the role (row 41), one that was revoked (row 42), one of no org or of another', async () => {
    const { jws, peer, admin, device: signer } = await setUp('member')
    expect(await verifyDecision(jws, 'proposal', peer, { connection })).toMatchObject({ ok: true })
    expect(await verifyDecision(jws, 'proposal', peer, admin)).toMatchObject({ ok: false, reason: expect.stringContaining('admin') })
    const revoked = await verifyDecision(jws, 'proposal', { ...peer, revoked: [signer.thumbprint] }, { connection })
    expect(revoked).toMatchObject({ ok: false, reason: expect.stringContaining('revoked') })
    expect(await verifyDecision(jws, 'proposal', { ...peer, certificates: [] }, { connection })).toMatchObject({ ok: false })
    const strange = { org: parseOrgId('S'.repeat(43)), certificates: peer.certificates }
    expect(await verifyDecision(jws, 'proposal', strange, { connection })).toMatchObject({ ok: false })
  })

  it('[SD2] is refused when it speaks for another person than its device is certified for', async () => {
    const { peer, claims, device: signer } = await setUp()
    const jws = await signDecision(signer, 'proposal', { ...claims, by: 'paul' })
    expect(await verifyDecision(jws, 'proposal', peer, { connection })).toMatchObject({
      ok: false,
      reason: expect.stringContaining('person'),
    })
  })

  it('[SD1, SD2] brings its certificate, and counts as long as that was good when it was made', async () => {
    const { peer, claims, device: signer, root: vouches } = await setUp()
    const year = 365 * 24 * 60 * 60
    const renewed = await certifyDevice(vouches, signer, { user: 'vera', role: 'admin' }, now + year)
    const forged = await certifyDevice(signer, signer, { user: 'vera', role: 'admin' }, now)
    const sign = (iat: number, certificate?: string) => signDecision(signer, 'proposal', { ...claims, iat }, certificate)
    const verify = async (jws: string, known: readonly string[]) =>
      (await verifyDecision(jws, 'proposal', { ...peer, certificates: known }, { connection: claims.connection })).ok
    expect(await verify(await sign(now + year + 60, renewed), peer.certificates)).toBe(true)
    expect(await verify(await sign(now + 2 * year, peer.certificates[0]), [])).toBe(false)
    expect(await verify(await sign(now - year, peer.certificates[0]), [])).toBe(false)
    expect(await verify(await sign(now, forged), [])).toBe(false)
  })

  it('keys stay on the device: the private half cannot be exported', async () => {
    const { device: signer } = await setUp()
    expect(signer.privateKey).toMatchObject({ extractable: false, type: 'private' })
  })
})
