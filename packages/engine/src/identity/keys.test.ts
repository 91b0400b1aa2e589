import vectors from '@entente/protocol/vectors/roster.json' with { type: 'json' }
import { ed25519, x25519 } from '@noble/curves/ed25519.js'
import { fromBase64UrlEncoded, toBase64UrlEncoded } from 'lib0/buffer'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../testing/index.js'
import { agree, createExchangeKey, createKeyPair, exchangeKeyOf, keyPairOf } from './keys.js'

// The platform computes; the same curves in JavaScript say what it has to come to.

const random = seededRandom(17)
const bytesOf = fromBase64UrlEncoded

describe('a key to sign with', () => {
  it.each(Object.entries(vectors.keys))('[RO1] has the public half and the id of its seed: %s', async (_, { d, x, thumbprint }) => {
    const { publicJwk, thumbprint: id } = await keyPairOf(d)
    expect([publicJwk.x, id]).toEqual([x, thumbprint])
    expect(toBase64UrlEncoded(ed25519.getPublicKey(bytesOf(d)))).toBe(x)
  })

  it('does not give away its private half, unless it was made to move into a kit', async () => {
    const [device, root] = [await createKeyPair(), await createKeyPair(true)]
    expect([device.privateKey.extractable, root.privateKey.extractable]).toEqual([false, true])
    expect(device.thumbprint).not.toBe(root.thumbprint)
  })
})

describe('a key to seal to', () => {
  it.each(Object.entries(vectors.exchange))('[RO1] has the public half of its secret: %s', async (_, { d, x }) => {
    expect(await exchangeKeyOf(d)).toEqual({ secret: d, public: x })
  })

  it('[CN9] agrees with any other on 32 bytes, the same for both', async () => {
    for (let times = 0; times < 20; times++) {
      const [ours, theirs] = [await createExchangeKey(random), await createExchangeKey(random)]
      const agreed = await agree(ours.secret, theirs.public)
      expect(agreed).toEqual(x25519.getSharedSecret(bytesOf(ours.secret), bytesOf(theirs.public)))
      expect(await agree(theirs.secret, ours.public)).toEqual(agreed)
    }
  })

  it('[CN9] agrees on nothing with a key of small order', async () => {
    const { secret } = await createExchangeKey(random)
    for (const hex of [
      '0000000000000000000000000000000000000000000000000000000000000000',
      '0100000000000000000000000000000000000000000000000000000000000000',
      'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
      'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
      '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
    ])
      expect(await agree(secret, Buffer.from(hex, 'hex').toString('base64url')), hex).toBeUndefined()
  })
})
