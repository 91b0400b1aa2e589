import { toHexString } from 'lib0/buffer'
import { sha256 } from '@noble/hashes/sha2.js'
import { encodeUtf8 } from 'lib0/string'
import { describe, expect, it } from 'vitest'
import { rootName } from './update-reader.js'
import { ProtocolError } from './error.js'
import { feedName } from './feed.js'
import {
  type ClientMessage,
  decodeClientFrame,
  decodeRelayFrame,
  encodeClientFrame,
  encodeEntries,
  encodeEntriesFrame,
  encodeRelayFrame,
  openClientFrame,
  type RelayMessage,
  wireShapes,
} from './frame.js'
import { headKey, headType } from './head.js'
import { parseKey, parseOrgId } from './id.js'
import { limits } from './limits.js'
import { rosterType } from './roster.js'
import { helloType } from './token.js'

const org = parseOrgId('V'.repeat(43))
const name = feedName({ kind: 'team', org, topic: 'rows' })

describe('a frame', () => {
  it('is decoded some messages at a time, and as a whole no further than it may be', () => {
    const pings = Array.from({ length: 10 }, () => ({ type: 'ping' }) as const)
    const opened = openClientFrame(encodeClientFrame(pings))
    expect([opened.decode(4), opened.messages.length]).toEqual([false, 4])
    expect([opened.decode(6), opened.messages]).toEqual([true, pings])
    const tooMany = openClientFrame(new Uint8Array(limits.messagesPerFrame + 1).fill(encodeClientFrame([{ type: 'ping' }])[0] ?? 0))
    for (let read = 0; read < limits.messagesPerFrame; read += 64) expect(tooMany.decode(64)).toBe(false)
    expect(() => tooMany.decode(64)).toThrow(expect.objectContaining({ code: 'RATE' }))
    expect(() => openClientFrame(new Uint8Array())).toThrow(expect.objectContaining({ code: 'FRAME' }))
  })

  it('carries several messages in order, both ways', () => {
    const asked: readonly ClientMessage[] = [
      { type: 'subscribe', feed: 1, name, after: 3, incarnation: 2 ** 52, position: 9 },
      {
        type: 'publish',
        feed: 1,
        offers: [
          { id: 4, seen: 2, key: parseKey('k'), kind: 'doc', whole: true, epoch: { version: 1, number: 2 }, bytes: new Uint8Array([1]) },
        ],
      },
      { type: 'ping' },
    ]
    expect(decodeClientFrame(encodeClientFrame(asked))).toEqual(asked)
    const told: readonly RelayMessage[] = [
      { type: 'welcome', time: 1, incarnation: 2, heartbeatMs: 15_000 },
      { type: 'refused', what: 'offer', subject: 4, code: 'BEHIND', version: 0, retryMs: 0, detail: '' },
    ]
    expect(decodeRelayFrame(encodeRelayFrame(told))).toEqual(told)
  })

  it('[W6] is read within bounds where it tells a device how long to wait, or what time it is', () => {
    const wild = Number.MAX_SAFE_INTEGER
    const told = [
      { type: 'challenge', oldest: 1, newest: 1, nonce: new Uint8Array(16), time: wild },
      { type: 'welcome', time: wild, incarnation: wild, heartbeatMs: 2 ** 40 },
      { type: 'welcome', time: 0, incarnation: 0, heartbeatMs: 0 },
      { type: 'refused', what: 'offer', subject: 4, code: 'RATE', version: 0, retryMs: wild, detail: '' },
      { type: 'failed', code: 'UNAVAILABLE', oldest: 0, newest: 0, retryMs: wild, detail: '' },
      { type: 'leaving', retryMs: wild },
    ] as const satisfies readonly RelayMessage[]
    expect(decodeRelayFrame(encodeRelayFrame(told))).toMatchObject([
      { time: 2 ** 45 },
      { time: 2 ** 45, incarnation: wild, heartbeatMs: 300_000 },
      { time: 0, heartbeatMs: 5_000 },
      { retryMs: 3_600_000 },
      { retryMs: 3_600_000 },
      { retryMs: 3_600_000 },
    ])
  })

  it('is the same whether its entries are encoded with it or were before', () => {
    const epoch = { version: 1, number: 2 }
    const some = ['a', 'b'].map((letter, index) => ({
      sequence: 300 + index,
      key: parseKey(letter),
      kind: 'doc' as const,
      whole: false,
      epoch,
      bytes: new Uint8Array(200),
    }))
    for (const entries of [some, []])
      for (const live of [true, false]) {
        const head = { feed: 130, position: 2 ** 40, live }
        expect(encodeEntriesFrame(head, encodeEntries(entries))).toEqual(encodeRelayFrame([{ type: 'entries', ...head, entries }]))
      }
  })

  it('[W2] with a message that is not known here is refused with VERSION', () => {
    expect(() => decodeClientFrame(new Uint8Array([200]))).toThrow(expect.objectContaining({ code: 'VERSION' }))
    // The other direction's numbers are not known in this one.
    expect(() => decodeClientFrame(encodeRelayFrame([{ type: 'pong' }]))).toThrow(expect.objectContaining({ code: 'VERSION' }))
  })

  it('[W1, W2] that is empty, cut off or has bytes behind its last message is refused with FRAME', () => {
    const whole = encodeClientFrame([{ type: 'subscribe', feed: 1, name, after: 3, incarnation: 0, position: 0 }])
    for (const bytes of [new Uint8Array(), whole.subarray(0, -1), new Uint8Array([...whole, 1])]) {
      expect(() => decodeClientFrame(bytes)).toThrow(ProtocolError)
      expect(() => decodeClientFrame(bytes)).toThrow(expect.objectContaining({ code: 'FRAME' }))
    }
  })

  it('[W4] has the layout of protocol version 1: whoever changes it raises the version and this hash', () => {
    const layout = [...wireShapes, rootName, helloType, rosterType, headKey, headType].join('\n')
    expect(toHexString(sha256(encodeUtf8(layout)))).toBe('206c72d647d40a8cb3b28ed467c0b6d598a2eba493af0e06cd3b7706dabffbcc')
  })
})
