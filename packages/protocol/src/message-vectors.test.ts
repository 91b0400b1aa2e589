import { fromBase64UrlEncoded, toBase64UrlEncoded } from 'lib0/buffer'
import { describe, expect, it } from 'vitest'
import vectors from '../vectors/messages.json' with { type: 'json' }
import { decodeClientFrame, decodeRelayFrame, encodeClientFrame, encodeRelayFrame, wireShapes } from './frame.js'

const ends = {
  device: {
    decode: decodeClientFrame,
    encode: (frame: string) => encodeClientFrame(decodeClientFrame(fromBase64UrlEncoded(frame))),
    vectors: vectors.device,
    refused: vectors.refused.device,
  },
  relay: {
    decode: decodeRelayFrame,
    encode: (frame: string) => encodeRelayFrame(decodeRelayFrame(fromBase64UrlEncoded(frame))),
    vectors: vectors.relay,
    refused: vectors.refused.relay,
  },
} as const

/** Messages as the file spells them. */
function spelled(messages: readonly object[]): unknown {
  return JSON.parse(JSON.stringify(messages, (_, value: unknown) => (value instanceof Uint8Array ? toBase64UrlEncoded(value) : value)))
}

describe.each(['device', 'relay'] as const)('the vectors of frames of a %s', (end) => {
  const { decode, encode, vectors: accepted, refused } = ends[end]

  it.each(accepted)('[W1] hold for $name', ({ messages, frame }) => {
    expect(spelled(decode(fromBase64UrlEncoded(frame)))).toEqual(messages)
    expect(toBase64UrlEncoded(encode(frame))).toBe(frame)
  })

  it.each(refused)('[W1, W2, F1] hold for what is refused with $code: $name', ({ code, frame }) => {
    expect(() => decode(fromBase64UrlEncoded(frame))).toThrow(expect.objectContaining({ name: 'ProtocolError', code }))
  })
})

it.each(vectors.nearest.relay)('[W6] the vectors of frames hold for numbers out of bounds: $name', ({ messages, frame }) => {
  expect(spelled(decodeRelayFrame(fromBase64UrlEncoded(frame)))).toEqual(messages)
})

it('the vectors of frames have every message', () => {
  const typesOf = (frames: readonly { readonly messages: readonly { readonly type: string }[] }[]): string[] =>
    frames.flatMap(({ messages }) => messages.map(({ type }) => type))
  const known = wireShapes.map((shape) => shape.split(' '))
  const typesFrom = (from: number, to: number): string[] =>
    known.flatMap(([number, type = '']) => (Number(number) >= from && Number(number) < to ? [type] : []))
  expect([...new Set(typesOf(vectors.device))].sort()).toEqual(typesFrom(1, 33).sort())
  expect([...new Set(typesOf(vectors.relay))].sort()).toEqual(typesFrom(33, 256).sort())
})
