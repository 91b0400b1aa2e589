import { hkdfSync } from 'node:crypto'
import { connectionId, mailboxIdOf, parseOrgId } from '@entente/protocol'
import { x25519 } from '@noble/curves/ed25519.js'
import { toBase64UrlEncoded } from 'lib0/buffer'
import { describe, expect, it } from 'vitest'
import { createIdentity, type Identity } from '../identity/identity.js'
import { MemoryStore, seededRandom } from '../testing/index.js'
import type { Clock } from '../port/clock.js'
import { makeReveal, readReveal, sharedSecret, shortCode } from './reveal.js'

const clock: Clock = { now: () => Date.UTC(2026, 0, 1), after: () => () => undefined }
const random = seededRandom(1)
const mailbox = mailboxIdOf(new Uint8Array(32))
const connection = connectionId(parseOrgId('V'.repeat(43)), parseOrgId('P'.repeat(43)), mailbox)

const createOrg = (orgName: string): Promise<Identity> =>
  createIdentity({ orgName, userName: 'Vera', store: new MemoryStore(), clock, random })

describe('what two orgs show each other', () => {
  it('[CN2] is read for its mailbox alone, and not once a byte of it differs', async () => {
    const vista = await createOrg('Vista')
    const { jws } = await makeReveal(vista, mailbox, random)
    expect(await readReveal(jws, mailbox)).toMatchObject({ org: vista.org.id, orgName: 'Vista', certificate: vista.certificate })
    const elsewhere = mailboxIdOf(new Uint8Array(32).fill(1))
    expect(await readReveal(jws, elsewhere)).toBeUndefined()
    const swapped = (await makeReveal(vista, mailbox, random)).jws.split('.')[1]
    const [header, , signature] = jws.split('.')
    expect(await readReveal([header, swapped, signature].join('.'), mailbox)).toBeUndefined()
  })

  it('[CN9] gives both the same secret, and none at all with a key of low order', async () => {
    const [ours, theirs] = [random(32), random(32)]
    const publicOf = (secret: Uint8Array): string => toBase64UrlEncoded(x25519.getPublicKey(secret))
    const secret = sharedSecret(toBase64UrlEncoded(ours), publicOf(theirs), connection)
    expect(secret).toMatch(/^[A-Za-z0-9_-]{43}$/)
    expect(sharedSecret(toBase64UrlEncoded(theirs), publicOf(ours), connection)).toBe(secret)
    const agreed = x25519.getSharedSecret(ours, x25519.getPublicKey(theirs))
    expect(secret).toBe(Buffer.from(hkdfSync('sha256', agreed, connection, 'entente/1 connection', 32)).toString('base64url'))
    for (const first of [0, 1]) {
      const weak = new Uint8Array(32)
      weak[0] = first
      expect(sharedSecret(toBase64UrlEncoded(ours), toBase64UrlEncoded(weak), connection)).toBeUndefined()
    }
  })

  it('[CN4] makes another code when either half is another', () => {
    const codes = new Set([shortCode('vendor', 'partner'), shortCode('vendor', 'other'), shortCode('other', 'partner')])
    expect(codes.size).toBe(3)
    for (const code of codes) expect(code).toMatch(/^\d{4} \d{4} \d{4}$/)
  })
})
