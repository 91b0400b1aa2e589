import { decodeControlEntry, decodePolicy, encodeControlEntry, isStamp, parseFeedName, parseKey, ProtocolError } from '@entente/protocol'
import vectors from '@entente/protocol/vectors/control-entries.json' with { type: 'json' }
import sealVectors from '@entente/protocol/vectors/seal.json' with { type: 'json' }
import { fromBase64UrlEncoded, toBase64UrlEncoded } from 'lib0/buffer'
import { decodeUtf8, encodeUtf8 } from 'lib0/string'
import { describe, expect, it } from 'vitest'
import { controlBinding, open, Origin, seal } from './seal-register.js'

const { keys } = sealVectors
const keyOf = (name: string): Uint8Array => fromBase64UrlEncoded(keys[name as keyof typeof keys].key)
const origin = new Origin(keyOf('origin'))
const bindingOf = ({ feed, key }: { readonly feed: string; readonly key: string }) => controlBinding(parseFeedName(feed), parseKey(key))
const openEntry = (entry: { readonly feed: string; readonly key: string; readonly cipher: string; readonly bytes: string }) =>
  open(keyOf(entry.cipher), bindingOf(entry), decodeControlEntry(fromBase64UrlEncoded(entry.bytes)).seal, origin)

describe('the vectors of control entries', () => {
  it.each(vectors.entries)('[CE1, CE2] hold for $name', (entry) => {
    const { cipher, stamp, copy, seal: sealed, bytes } = entry
    if (!isStamp(stamp)) throw new Error('no stamp')
    const made = seal({ cipher: keyOf(cipher), origin }, bindingOf(entry), [stamp, copy])
    expect(toBase64UrlEncoded(made)).toBe(sealed)
    expect(toBase64UrlEncoded(encodeControlEntry({ copy: encodeUtf8(copy), seal: made }))).toBe(bytes)
    expect(decodeUtf8(decodeControlEntry(fromBase64UrlEncoded(bytes)).copy)).toBe(copy)
    expect(openEntry(entry)).toEqual([stamp, copy])
  })

  it('[CE2] hold for one whose copy says something else: the relay reads it, and a device believes the seal', () => {
    const { differing } = vectors
    const { copy } = decodeControlEntry(fromBase64UrlEncoded(differing.bytes))
    expect([decodeUtf8(copy), decodePolicy(copy).version]).toEqual([differing.copy, 9])
    expect(openEntry(differing)?.[1]).toBe(differing.value)
  })

  it.each(vectors.refused)('[CE1, CE2] hold for one that changes nothing: $name', (entry) => {
    if (entry.copy === null) return expect(() => openEntry(entry)).toThrow(ProtocolError)
    expect(decodeUtf8(decodeControlEntry(fromBase64UrlEncoded(entry.bytes)).copy)).toBe(entry.copy)
    expect(openEntry(entry)).toBeUndefined()
  })
})
