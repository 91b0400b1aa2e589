import { createHmac, createPublicKey } from 'node:crypto'
import { certificateClaims, certificateType, helloType } from '@entente/protocol'
import { decodeJwt } from 'jose'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { defaultConfig } from '../config/config.js'
import type { Store } from '../store/store.js'
import { createDevice, createOrg, toPart as part } from '../testing/org.js'
import { Authenticator, clockToleranceSeconds } from './authenticator.js'

const relay = 'relay.example'
const org = await createOrg()
const [device, stranger] = [await createDevice(org), await createDevice(org)]
const now = Math.floor(Date.now() / 1000)
const usual = { alg: 'EdDSA', typ: helloType }
/** Means the same as the usual header. */
const reordered = { typ: helloType, alg: 'EdDSA' }
const nonce = new Uint8Array(16)
const claims = { nonce: 'A'.repeat(22), version: 1, aud: relay, iat: now, exp: now + 60 }

const { jwk: publicKey } = v.parse(certificateClaims, decodeJwt(device.certificate)).cnf

const token = (said: object, header: object = usual, signer = device): string => signer.sign(`${part(header)}.${part(said)}`)
const good = token(claims)
const [header = '', payload = '', signature = ''] = good.split('.')

const refusals: Readonly<Record<string, string>> = {
  'another key': token(claims, usual, stranger),
  'another key under a header in another order': token(claims, reordered, stranger),
  'alg none without a signature': `${part({ alg: 'none', typ: helloType })}.${payload}.`,
  'alg none with the signature of the usual token': `${part({ alg: 'none', typ: helloType })}.${payload}.${signature}`,
  'an HMAC under the public key': (() => {
    const text = `${part({ alg: 'HS256', typ: helloType })}.${payload}`
    const secret = createPublicKey({ key: publicKey, format: 'jwk' }).export({ format: 'der', type: 'spki' })
    return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
  })(),
  'another algorithm': token(claims, { ...usual, alg: 'ES256' }),
  'the type of a certificate': token(claims, { ...usual, typ: certificateType }),
  'no type': token(claims, { alg: 'EdDSA' }),
  'something critical': token(claims, { ...usual, crit: ['exp'] }),
  'an end beyond the tolerance': token({ ...claims, exp: now - clockToleranceSeconds - 1 }),
  'no end': token({ ...claims, exp: undefined }),
  'an end that is no number': token({ ...claims, exp: `${now + 60}` }),
  'a beginning beyond the tolerance': token({ ...claims, nbf: now + clockToleranceSeconds + 60 }),
  'a beginning that is no number': token({ ...claims, nbf: 'soon' }),
  'no time of issue': token({ ...claims, iat: undefined }),
  'a time of issue that is no number': token({ ...claims, iat: 'now' }),
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
  'the type in full': token(claims, { ...usual, typ: `application/${helloType}` }),
  'an end within the tolerance': token({ ...claims, exp: now - clockToleranceSeconds + 30 }),
  'a beginning within the tolerance': token({ ...claims, nbf: now + clockToleranceSeconds - 30 }),
  'an issue in the future, as clocks differ': token({ ...claims, iat: now + 3_600 }),
}

const authenticator = (): Authenticator => {
  const store: Partial<Store> = { standing: async () => ({ standing: 'none', hasControlEntry: false }) }
  return new Authenticator(defaultConfig, ['other.example', relay], store as Store)
}
const identify = (text: string, by = authenticator()) => by.identify({ type: 'hello', token: text, certificate: device.certificate }, nonce)

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
