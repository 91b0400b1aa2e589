import { xchacha20poly1305 } from '@noble/ciphers/chacha.js'
import { describe, expect, it } from 'vitest'
import { openSeal } from './open-seal.js'
import type { Pass } from './pass.js'

const pass: Pass = {
  object: 'Lead',
  peerName: 'Alder Devices',
  gateway: 'wss://relay.example/gateway',
  room: 'feed/key',
  token: '',
  expires: 0,
  feed: 'feed',
  key: 'key',
  epoch: { version: 2, number: 5 },
  sealKey: new Uint8Array(32).fill(7),
  fields: [],
}
const nonce = new Uint8Array(24).fill(3)

/** A seal over these bytes as they are, for slot 0. */
function seal(plaintext: readonly number[], place = 'feed\nkey\n0\n2.5\n0\n'): Uint8Array {
  const padded = new Uint8Array(Math.ceil(plaintext.length / 32) * 32)
  padded.set(plaintext)
  return new Uint8Array([0, ...nonce, ...xchacha20poly1305(pass.sealKey, nonce, new TextEncoder().encode(place)).encrypt(padded)])
}

const json = [...new TextEncoder().encode('"ada"')]
const stamp = [0x80, 0x01, 0, 9]

describe('a seal', () => {
  it('[SE1] opens to its value and the time of its edit', () => {
    expect(openSeal(pass, '0', seal([9, ...stamp, ...json]))).toEqual({ value: 'ada', changedAt: 128 })
  })

  it('[SE2] does not open at another place or under another key', () => {
    const sealed = seal([9, ...stamp, ...json])
    expect(openSeal(pass, '1', sealed)).toBeUndefined()
    expect(openSeal({ ...pass, key: 'other' }, '0', sealed)).toBeUndefined()
    expect(openSeal({ ...pass, epoch: { version: 2, number: 6 } }, '0', sealed)).toBeUndefined()
    expect(openSeal({ ...pass, sealKey: new Uint8Array(32) }, '0', sealed)).toBeUndefined()
  })

  it('[SE4] that holds no stamp and value is as one that does not open', () => {
    const none = [
      [],
      [40, ...stamp, ...json],
      [2, 0x80, 0x80],
      [9, ...stamp, ...json.slice(0, 4), 0xff],
      [4, ...stamp],
      Array<number>(40).fill(0xff),
    ]
    for (const plaintext of none) expect(openSeal(pass, '0', seal(plaintext)), String(plaintext)).toBeUndefined()
    expect(openSeal(pass, '0', new Uint8Array(10))).toBeUndefined()
    expect(openSeal(pass, '0', seal([9, ...stamp, ...json]).with(0, 1))).toBeUndefined()
  })
})
