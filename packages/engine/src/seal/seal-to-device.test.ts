import { connectionId, parseOrgId } from '@entente/protocol'
import vectors from '@entente/protocol/vectors/seal-to-device.json' with { type: 'json' }
import { x25519 } from '@noble/curves/ed25519.js'
import { fromBase64UrlEncoded, fromHexString, toBase64UrlEncoded } from 'lib0/buffer'
import { decodeUtf8, encodeUtf8 } from 'lib0/string'
import { describe, expect, it } from 'vitest'
import { createExchangeKey } from '../identity/keys.js'
import { seededRandom } from '../testing/index.js'
import { openFrom, sealInfo, type SealPurpose, sealTo } from './seal-to-device.js'

const random = seededRandom(3)
const [device, other] = [await createExchangeKey(random), await createExchangeKey(random)]
const org = parseOrgId('V'.repeat(43))
const purpose: SealPurpose = { purpose: 'own secret', of: org, generation: 2 }
const info = sealInfo(purpose)
const aad = encodeUtf8('the roster')
const secret = random(32)

describe('what is sealed to a device', () => {
  it('[HP1] opens with that device’s key, in 48 bytes more, and is another each time', async () => {
    const [sealed, again] = [await sealTo(device.public, info, aad, secret), await sealTo(device.public, info, aad, secret)]
    expect(await openFrom(device, info, aad, sealed)).toEqual(secret)
    expect([sealed.length, again.length]).toEqual([80, 80])
    expect(sealed).not.toEqual(again)
  })

  it('[HP1] opens with no other key, and not with a byte changed or cut off', async () => {
    const sealed = await sealTo(device.public, info, aad, secret)
    expect(await openFrom(other, info, aad, sealed)).toBeUndefined()
    // The public half is part of what is sealed.
    expect(await openFrom({ secret: device.secret, public: other.public }, info, aad, sealed)).toBeUndefined()
    for (const index of [0, 31, 32, 63, 79]) {
      const broken = sealed.with(index, (sealed[index] ?? 0) ^ 1)
      expect(await openFrom(device, info, aad, broken)).toBeUndefined()
    }
    for (const length of [0, 31, 32, 79]) expect(await openFrom(device, info, aad, sealed.subarray(0, length))).toBeUndefined()
  })

  it('[HP2] opens for its purpose, org and generation alone, and beside what it was shown with', async () => {
    const sealed = await sealTo(device.public, info, aad, secret)
    const connection = connectionId(org, parseOrgId('P'.repeat(43)), 'salt')
    const others: readonly SealPurpose[] = [
      { ...purpose, purpose: 'sending secret' },
      { ...purpose, of: parseOrgId('P'.repeat(43)) },
      { ...purpose, of: connection },
      { ...purpose, generation: 3 },
    ]
    for (const another of others) expect(await openFrom(device, sealInfo(another), aad, sealed)).toBeUndefined()
    expect(await openFrom(device, info, encodeUtf8('another roster'), sealed)).toBeUndefined()
  })

  it('[HP3] is not sealed to a key that protects nothing, nor opened where the sender’s key is one', async () => {
    const weak = ['A'.repeat(43), `AQ${'A'.repeat(41)}`]
    for (const key of [...weak, '', 'short', `${'A'.repeat(42)}B`])
      await expect(sealTo(key, info, aad, secret)).rejects.toMatchObject({ name: 'EngineError', code: 'INVALID' })
    const sealed = await sealTo(device.public, info, aad, secret)
    for (const key of weak) {
      const forged = sealed.slice()
      forged.set(fromBase64UrlEncoded(key))
      expect(await openFrom(device, info, aad, forged)).toBeUndefined()
    }
  })
})

describe('the vectors of seals to a device', () => {
  it.each(vectors.seals)(
    '[HP1, HP2] hold for $name',
    async ({ purpose: of, info: text, aad: beside, recipient, ephemeral, plaintext, sealed }) => {
      const bytes = fromBase64UrlEncoded(sealed)
      const key = { secret: recipient.secret, public: recipient.public }
      expect(decodeUtf8(sealInfo(of as SealPurpose))).toBe(text)
      for (const { secret: half, public: whole } of [recipient, ephemeral])
        expect(toBase64UrlEncoded(x25519.getPublicKey(fromBase64UrlEncoded(half)))).toBe(whole)
      expect(toBase64UrlEncoded(bytes.subarray(0, 32))).toBe(ephemeral.public)
      const opened = await openFrom(key, encodeUtf8(text), encodeUtf8(beside), bytes)
      expect(opened && toBase64UrlEncoded(opened)).toBe(plaintext)
    },
  )

  it.each(vectors.refused)('[HP1, HP2, HP3] hold for what does not open: $name', async ({ info: text, aad: beside, recipient, sealed }) => {
    expect(await openFrom(recipient, encodeUtf8(text), encodeUtf8(beside), fromBase64UrlEncoded(sealed))).toBeUndefined()
  })

  it('[HP1] hold for the one of RFC 9180, appendix A.2.1', async () => {
    const { skRm, pkRm, enc, info: text, aad: beside, pt, ct } = vectors.rfc9180
    const [secretHalf, publicHalf] = [skRm, pkRm].map((hex) => toBase64UrlEncoded(fromHexString(hex)))
    const opened = await openFrom(
      { secret: secretHalf ?? '', public: publicHalf ?? '' },
      fromHexString(text),
      fromHexString(beside),
      fromHexString(enc + ct),
    )
    expect(opened).toEqual(fromHexString(pt))
    expect(opened && decodeUtf8(opened)).toBe('Beauty is truth, truth beauty')
  })
})
