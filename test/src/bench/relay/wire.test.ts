import { encodeRelayFrame, type Entry, parseKey } from '@entente/protocol'
import { expect, it } from 'vitest'
import { checkWire, hear } from './wire.js'

const entry = (sequence: number, size: number): Entry => ({
  sequence,
  key: parseKey('record-1'),
  kind: 'doc',
  whole: false,
  epoch: { version: 1, number: 200 },
  bytes: new Uint8Array(size),
})

it('counts what a frame of the relay brings without decoding it', () => {
  checkWire()
  const frame = encodeRelayFrame([
    { type: 'welcome', time: 1_700_000_000_000, incarnation: 2 ** 52, heartbeatMs: 15_000 },
    { type: 'entries', feed: 1, position: 70_000, live: false, entries: [entry(1, 0), entry(300, 1_000)] },
    { type: 'accepted', ids: [5, 6_000] },
    { type: 'entries', feed: 2, position: 70_001, live: true, entries: [entry(301, 138)] },
  ])
  expect(hear(frame)).toEqual({ entries: 3, accepted: [5, 6_000], live: true, position: 70_001 })
})

it('takes a refusal for what it is', () => {
  const frame = encodeRelayFrame([{ type: 'refused', what: 'offer', subject: 1, code: 'BEHIND', version: 0, retryMs: 0, detail: '' }])
  expect(() => hear(frame)).toThrow('something else')
})
