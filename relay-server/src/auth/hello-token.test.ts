import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { certificateType, helloClaims, helloType } from '@entente/protocol'
import { jwtVerify, SignJWT } from 'jose'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { HelloTokens } from './hello-token.js'
import { clockToleranceSeconds } from './identity.js'

const relay = 'relay.example'
const device = generateKeyPairSync('ed25519')
const stranger = generateKeyPairSync('ed25519')
const now = Math.floor(Date.now() / 1000)
const usual = { alg: 'EdDSA', typ: helloType }
/** Means the same as the usual header, in a spelling that goes the long way. */
const unusual = { typ: helloType, alg: 'EdDSA' }
const claims = { nonce: 'A'.repeat(22), version: 1, aud: relay, iat: now, exp: now + 60 }

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const signed = (text: string, key: KeyObject = device.privateKey): string =>
  `${text}.${sign(null, Buffer.from(text), key).toString('base64url')}`
const token = (said: unknown, header: object = usual, key?: KeyObject): string => signed(`${part(header)}.${part(said)}`, key)
const good = token(claims)
const [header = '', payload = '', signature = ''] = good.split('.')

const refusals: Readonly<Record<string, string>> = {
  'another key': token(claims, usual, stranger.privateKey),
  'another key, long way': token(claims, unusual, stranger.privateKey),
  'alg none without a signature': `${part({ alg: 'none', typ: helloType })}.${payload}.`,
  'alg none with the signature of the usual token': `${part({ alg: 'none', typ: helloType })}.${payload}.${signature}`,
  'an HMAC under the public key': (() => {
    const text = `${part({ alg: 'HS256', typ: helloType })}.${payload}`
    const secret = device.publicKey.export({ format: 'der', type: 'spki' })
    return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
  })(),
  'another algorithm': token(claims, { ...usual, alg: 'ES256' }),
  'the type of a certificate': token(claims, { ...usual, typ: certificateType }),
  'no type': token(claims, { alg: 'EdDSA' }),
  'something critical': token(claims, { ...usual, crit: ['exp'] }),
  'an end beyond the tolerance': token({ ...claims, exp: now - clockToleranceSeconds - 1 }),
  'an end beyond the tolerance, long way': token({ ...claims, exp: now - clockToleranceSeconds - 1 }, unusual),
  'no end': token({ ...claims, exp: undefined }),
  'an end that is no number': token({ ...claims, exp: `${now + 60}` }),
  'a beginning beyond the tolerance': token({ ...claims, nbf: now + clockToleranceSeconds + 60 }),
  'a beginning beyond the tolerance, long way': token({ ...claims, nbf: now + clockToleranceSeconds + 60 }, unusual),
  'a beginning that is no number': token({ ...claims, nbf: 'soon' }),
  'no time of issue': token({ ...claims, iat: undefined }),
  'a time of issue that is no number': token({ ...claims, iat: 'now' }),
  'another audience': token({ ...claims, aud: 'relay.elsewhere.example' }),
  'another audience, long way': token({ ...claims, aud: 'relay.elsewhere.example' }, unusual),
  'no audience': token({ ...claims, aud: undefined }),
  'a list of audiences': token({ ...claims, aud: [relay] }),
  'no nonce': token({ ...claims, nonce: undefined }),
  'a nonce of another form': token({ ...claims, nonce: 'AAAA' }),
  'no version': token({ ...claims, version: undefined }),
  'claims that are a list': token([claims]),
  'claims that are no JSON': signed(`${header}.${Buffer.from('nonsense').toString('base64url')}`),
  'claims that are not UTF-8': signed(
    `${header}.${Buffer.from(`{"join":"\xff",${JSON.stringify(claims).slice(1)}`, 'latin1').toString('base64url')}`,
  ),
  'claims of no whole number of bytes': signed(`${header}.${'A'.repeat(5)}`),
  'no claims': signed(`${header}.`),
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
  'the same in another order': token(claims, unusual),
  'the type in full': token(claims, { ...usual, typ: `application/${helloType}` }),
  'an end within the tolerance': token({ ...claims, exp: now - clockToleranceSeconds + 30 }),
  'a beginning within the tolerance': token({ ...claims, nbf: now + clockToleranceSeconds - 30 }),
  'an issue in the future, as clocks differ': token({ ...claims, iat: now + 3_600 }),
}

const reads = async (text: string): Promise<boolean> =>
  new HelloTokens(['other.example', relay]).read(text, device.publicKey).then(
    () => true,
    () => false,
  )

/** What jose alone says of a token, by which both ways are measured. */
const joseReads = async (text: string): Promise<boolean> => {
  try {
    const { payload: said } = await jwtVerify(text, device.publicKey, {
      algorithms: ['EdDSA'],
      typ: helloType,
      clockTolerance: clockToleranceSeconds,
      requiredClaims: ['exp'],
      audience: ['other.example', relay],
    })
    return v.safeParse(helloClaims, said).success
  } catch {
    return false
  }
}

describe('the token of a hello', () => {
  it.each(Object.entries(refusals))('[ID1] is refused, as by jose, with %s', async (_, text) => {
    expect(await reads(text)).toBe(false)
    expect(await joseReads(text)).toBe(false)
  })

  it.each(Object.entries(acceptances))('[ID1] is taken, as by jose: %s', async (_, text) => {
    expect(await reads(text)).toBe(true)
    expect(await joseReads(text)).toBe(true)
  })

  it('is refused with any character changed', async () => {
    const tokens = new HelloTokens([relay])
    // The last character of a signature holds four bits that stand for nothing, so the one before it is the last to be changed.
    for (let at = 0; at < good.length - 1; at++) {
      const text = `${good.slice(0, at)}${good[at] === 'A' ? 'B' : 'A'}${good.slice(at + 1)}`
      await expect(tokens.read(text, device.publicKey)).rejects.toThrow()
    }
  })

  it('takes the short way as jose and our devices spell it', async () => {
    const spelled = await new SignJWT({ nonce: claims.nonce, version: 1 })
      .setProtectedHeader({ alg: 'EdDSA', typ: helloType })
      .setAudience(relay)
      .setIssuedAt(now)
      .setExpirationTime(now + 60)
      .sign(device.privateKey)
    expect(spelled.startsWith(`${header}.`)).toBe(true)
    expect(await reads(spelled)).toBe(true)
  })

  it('is judged alike when many come in one turn of the loop', async () => {
    const tokens = new HelloTokens([relay])
    const texts = Array.from({ length: 12 }, (_, index) => (index % 3 === 1 ? token(claims, usual, stranger.privateKey) : good))
    const results = await Promise.allSettled(texts.map((text) => tokens.read(text, device.publicKey)))
    expect(results.map(({ status }) => status === 'fulfilled')).toEqual(texts.map((text) => text === good))
  })
})
