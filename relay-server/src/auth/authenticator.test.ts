import { createHmac, createPublicKey } from 'node:crypto'
import { helloType, rosterType, toPublicKey } from '@entente/protocol'
import { describe, expect, it } from 'vitest'
import { defaultConfig } from '../config/config.js'
import type { Store } from '../store/store.js'
import { createDevice, createOrg, toPart as part } from '../testing/org.js'
import { Authenticator } from './authenticator.js'
import { BroughtRosters, Rosters } from './rosters.js'

const relay = 'relay.example'
const org = await createOrg()
const [device, stranger] = [await createDevice(org), await createDevice(org)]
const elsewhere = await createDevice(await createOrg())
const usual = { alg: 'EdDSA', typ: helloType, kid: device.id }
/** Means the same as the usual header. */
const reordered = { kid: device.id, typ: helloType, alg: 'EdDSA' }
const nonce = new Uint8Array(16)
const claims = { nonce: 'A'.repeat(22), version: 1, aud: relay, org: org.id, roster: 2 }

const publicKey = toPublicKey(device.key.x)

const token = (said: object, header: object = usual, signer = device): string => signer.sign(`${part(header)}.${part(said)}`)
const good = token(claims)
const [header = '', payload = '', signature = ''] = good.split('.')

const refusals: Readonly<Record<string, string>> = {
  'another key': token(claims, usual, stranger),
  'another key under a header in another order': token(claims, reordered, stranger),
  'alg none without a signature': `${part({ ...usual, alg: 'none' })}.${payload}.`,
  'alg none with the signature of the usual token': `${part({ ...usual, alg: 'none' })}.${payload}.${signature}`,
  'an HMAC under the public key': (() => {
    const text = `${part({ ...usual, alg: 'HS256' })}.${payload}`
    const secret = createPublicKey({ key: publicKey, format: 'jwk' }).export({ format: 'der', type: 'spki' })
    return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
  })(),
  'another algorithm': token(claims, { ...usual, alg: 'ES256' }),
  'the type of a roster': token(claims, { ...usual, typ: rosterType }),
  'no type': token(claims, { ...usual, typ: undefined }),
  'something critical': token(claims, { ...usual, crit: ['exp'] }),
  'no device': token(claims, { ...usual, kid: undefined }),
  'another device of the org': token(claims, { ...usual, kid: stranger.id }),
  'a device that is on no roster': token(claims, { ...usual, kid: elsewhere.id }, elsewhere),
  'a device of another org, under its own org’s name': token({ ...claims, org: elsewhere.org }, { ...usual, kid: elsewhere.id }, elsewhere),
  'another org': token({ ...claims, org: elsewhere.org }),
  'no org': token({ ...claims, org: undefined }),
  'a roster that is above the one known here': token({ ...claims, roster: 3 }),
  'no roster': token({ ...claims, roster: undefined }),
  'another audience': token({ ...claims, aud: 'relay.elsewhere.example' }),
  'no audience': token({ ...claims, aud: undefined }),
  'a list of audiences': token({ ...claims, aud: [relay] }),
  'no nonce': token({ ...claims, nonce: undefined }),
  'another nonce': token({ ...claims, nonce: 'B'.repeat(22) }),
  'a nonce of another form': token({ ...claims, nonce: 'AAAA' }),
  'no version': token({ ...claims, version: undefined }),
  'claims that are a list': token([claims]),
  'claims that are no JSON': device.sign(`${header}.${Buffer.from('nonsense').toString('base64url')}`),
  'claims that are not UTF-8': device.sign(
    `${header}.${Buffer.from(`{"join":"\xff",${JSON.stringify(claims).slice(1)}`, 'latin1').toString('base64url')}`,
  ),
  'claims of no whole number of bytes': device.sign(`${header}.${'A'.repeat(5)}`),
  'no claims': device.sign(`${header}.`),
  'other claims under the same signature': `${header}.${part({ ...claims, version: 2 })}.${signature}`,
  'a signature cut short': good.slice(0, -1),
  'a signature with more behind it': `${good}A`,
  'a signature of zeros': `${header}.${payload}.${'A'.repeat(86)}`,
  'no signature': `${header}.${payload}.`,
  'two parts': `${header}.${payload}`,
  'four parts': `${good}.${signature}`,
  'a space before it': ` ${good}`,
  nothing: '',
}

const acceptances: Readonly<Record<string, string>> = {
  'the usual token': good,
  'a token with a join token': token({ ...claims, join: 'let me in' }),
  'a signature in padded base64, which jose reads too': `${good}==`,
  'a line break behind it, which jose passes over': `${good}\n`,
  'a token that says more than is asked': token({ ...claims, sub: 'someone' }),
  'a header in another order': token(claims, reordered),
  'a roster below the one known here, on which the device is too': token({ ...claims, roster: 1 }),
  'dates, which decide nothing': token({ ...claims, iat: 4_000_000_000, nbf: 4_000_000_000, exp: 1 }),
}

const authenticator = (): { readonly by: Authenticator; readonly rosters: Rosters } => {
  const store: Partial<Store> = {
    standing: async () => ({ standing: 'none', roster: 0 }),
    keepRoster: async () => true,
  }
  const rosters = new Rosters(store as Store, () => {})
  return { by: new Authenticator(defaultConfig, ['other.example', relay], store as Store, rosters), rosters }
}
const identify = async (text: string, { by, rosters } = authenticator()) => {
  const brought = new BroughtRosters(rosters)
  await brought.take(org.rosters[1] ?? '')
  return by.identify({ type: 'hello', token: text }, nonce, brought)
}

describe('a hello', () => {
  it.each(Object.entries(refusals))('[ID1] is refused with %s', async (_, text) => {
    await expect(identify(text)).rejects.toMatchObject({ code: 'AUTH' })
  })

  it.each(Object.entries(acceptances))('[ID1] is taken: %s', async (_, text) => {
    expect(await identify(text)).toMatchObject({ org: org.id, device: device.id, role: 'admin' })
  })

  it('is refused with any character changed', async () => {
    const one = authenticator()
    // The last character of a signature holds four bits that stand for nothing, so the one before it is the last to be changed.
    for (let at = 0; at < good.length - 1; at++) {
      const text = `${good.slice(0, at)}${good[at] === 'A' ? 'B' : 'A'}${good.slice(at + 1)}`
      await expect(identify(text, one)).rejects.toMatchObject({ code: 'AUTH' })
    }
  })

  it('is judged alike when many come in one turn of the loop', async () => {
    const one = authenticator()
    const texts = Array.from({ length: 12 }, (_, index) => (index % 3 === 1 ? token(claims, usual, stranger) : good))
    const results = await Promise.allSettled(texts.map((text) => identify(text, one)))
    expect(results.map(({ status }) => status === 'fulfilled')).toEqual(texts.map((text) => text === good))
  })
})
