import * as decoding from 'lib0/decoding'
import { describe, expect, it } from 'vitest'
import { encode } from './codec.js'
import { encodeEntryHead, type Entry, entry, entryKinds, skipEntryHead } from './entry.js'
import { parseKey } from './id.js'

describe('the head of an entry that a store keeps as it stands on the wire', () => {
  const numbers = [0, 1, 127, 128, 16_383, 16_384, 2 ** 31 - 1, 2 ** 32 + 5, 2 ** 53 - 1]
  const entries = numbers.flatMap((sequence, index): Entry[] =>
    entryKinds.map((kind) => ({
      sequence,
      key: parseKey('k'.repeat(1 + ((index * 7) % 64))),
      kind,
      whole: index % 2 === 0,
      epoch: { version: Math.min(sequence, 2 ** 31 - 1), number: index },
      bytes: new Uint8Array(index * 40).fill(index),
    })),
  )

  it('[W4] has the bytes that the layout of an entry gives', () => {
    for (const each of entries) {
      const head = encodeEntryHead(each, each.bytes.length)
      expect([...head, ...each.bytes]).toEqual([...encode(entry, each)])
      const decoder = decoding.createDecoder(head)
      expect(skipEntryHead(decoder)).toEqual([each.sequence, each.bytes.length])
      expect(decoder.pos).toBe(head.length)
    }
  })
})
