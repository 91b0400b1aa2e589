import { hkdfSync } from 'node:crypto'
import { connectionId, decodeRoster, mailboxIdOf, parseOrgId } from '@entente/protocol'
import { x25519 } from '@noble/curves/ed25519.js'
import { toBase64UrlEncoded } from 'lib0/buffer'
import { describe, expect, it } from 'vitest'
import { createIdentity, type Identity } from '../identity/identity.js'
import { createExchangeKey, createKeyPair } from '../identity/keys.js'
import { MemoryStore, seededRandom } from '../testing/index.js'
import type { Clock } from '../port/clock.js'
import { Rosters } from '../identity/rosters.js'
import { Rows } from '../row/rows.js'
import { Stamper } from '../row/stamper.js'
import type { Value } from '../schema/value.js'
import { codeOf, jwsOfReveal, makeReveal, readReveal, revealBody, sharedSecret, transcriptOf } from './reveal.js'

const clock: Clock = { now: () => Date.UTC(2026, 0, 1), after: () => () => undefined }
const random = seededRandom(1)
const mailbox = mailboxIdOf(new Uint8Array(32))
const connection = connectionId(parseOrgId('V'.repeat(43)), parseOrgId('P'.repeat(43)), mailbox)

interface Org {
  readonly identity: Identity
  readonly rosters: Rosters
}

/** An org that knows of no other. */
const nobody: Pick<Rosters, 'highest'> = { highest: () => Promise.resolve(undefined) }

const createOrg = async (orgName: string): Promise<Org> => {
  const store = new MemoryStore()
  const identity = await createIdentity({ orgName, userName: 'Vera', store, clock, random })
  const rows = new Rows(store, new Stamper(clock, random))
  return { identity, rosters: new Rosters(rows, { org: identity.org.id, device: identity.device }, () => identity.founding) }
}
const show = async ({ identity, rosters }: Org, inMailbox = mailbox): Promise<Value> =>
  revealBody(await makeReveal({ identity, rosters, random, replica: { inbox: () => new Map() } }, inMailbox))

describe('what two orgs show each other', () => {
  it('[CN2] is read for its mailbox alone, and not once a byte of it differs', async () => {
    const vista = await createOrg('Vista')
    const shown = await show(vista)
    const { org } = vista.identity
    expect(await readReveal(shown, mailbox, nobody)).toMatchObject({ org: org.id, orgName: 'Vista', rosters: [{ number: 1 }] })
    const elsewhere = mailboxIdOf(new Uint8Array(32).fill(1))
    expect(await readReveal(shown, elsewhere, nobody)).toBeUndefined()
    const [header, , signature] = jwsOfReveal(shown)?.split('.') ?? []
    const swapped = jwsOfReveal(await show(vista))?.split('.')[1]
    expect(await readReveal({ ...(shown as object), reveal: [header, swapped, signature].join('.') }, mailbox, nobody)).toBeUndefined()
  })

  it('[CN2] is read only with the rosters that prove it: not without them, nor with those of another org', async () => {
    const [vista, pine] = [await createOrg('Vista'), await createOrg('Pine')]
    const shown = await show(vista)
    const reveal = jwsOfReveal(shown) ?? ''
    const theirs = (await pine.rosters.chain(pine.identity.org.id)).map(({ token }) => token)
    for (const rosters of [[], theirs, ['no.roster.this']])
      expect(await readReveal(revealBody({ jws: reveal, rosters }), mailbox, nobody)).toBeUndefined()
    for (const other of [undefined, null, reveal, { reveal }]) expect(await readReveal(other, mailbox, nobody)).toBeUndefined()
  })

  it('[RO3, RO7] is not read of who was removed, where the other org knows of the removal', async () => {
    const vista = await createOrg('Vista')
    const shown = await show(vista)
    const [first] = await vista.rosters.chain(vista.identity.org.id)
    const { org } = vista.identity
    if (!first) throw new Error('Vista has no roster.')
    const listed = {
      key: (await createKeyPair()).publicJwk.x,
      exchange: (await createExchangeKey(random)).public,
      person: 'vic',
      role: 'admin',
    } as const
    const next = await vista.identity.signRoster({ org: org.id, number: 2, previous: first.hash, time: 0, devices: [listed] })
    const known = (token: string): Pick<Rosters, 'highest'> => ({ highest: () => Promise.resolve(decodeRoster(token)) })
    expect(await readReveal(shown, mailbox, known(first.token))).toMatchObject({ rosters: [] })
    expect(await readReveal(shown, mailbox, known(next))).toBeUndefined()
  })

  it('[CN9] gives both the same secret, and none at all with a key of low order', async () => {
    const [ours, theirs] = [random(32), random(32)]
    const publicOf = (secret: Uint8Array): string => toBase64UrlEncoded(x25519.getPublicKey(secret))
    const secret = await sharedSecret(toBase64UrlEncoded(ours), publicOf(theirs), connection)
    expect(secret).toMatch(/^[A-Za-z0-9_-]{43}$/)
    expect(await sharedSecret(toBase64UrlEncoded(theirs), publicOf(ours), connection)).toBe(secret)
    const agreed = x25519.getSharedSecret(ours, x25519.getPublicKey(theirs))
    expect(secret).toBe(Buffer.from(hkdfSync('sha256', agreed, connection, 'entente/1 connection', 32)).toString('base64url'))
    for (const first of [0, 1]) {
      const weak = new Uint8Array(32)
      weak[0] = first
      expect(await sharedSecret(toBase64UrlEncoded(ours), toBase64UrlEncoded(weak), connection)).toBeUndefined()
    }
  })

  it('[CN4] makes another code when either half is another', () => {
    const codes = new Set(
      [transcriptOf('vendor', 'partner'), transcriptOf('vendor', 'other'), transcriptOf('other', 'partner')].map(codeOf),
    )
    expect(codes.size).toBe(3)
    for (const code of codes) expect(code).toMatch(/^\d{4} \d{4} \d{4}$/)
  })
})
