import { feedName } from '@entente/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { agree, controlEntryOf, createConnection, docOffer, feedNumbers, offerOf, TestRelay } from '../testing/index.js'

const value = new Uint8Array([1])

describe('a topic that the relay has never heard of', () => {
  let relay: TestRelay

  beforeEach(async () => {
    relay = await TestRelay.start()
  })
  afterEach(() => relay.stop())

  it('[F5, PO2, PO5, PO9] carries docs of the slots that both sides registered for it, until they are withdrawn or the connection ends', async () => {
    const connection = await createConnection()
    const { vera, paul } = await agree(connection, relay.url)
    const visits = feedName({ kind: 'connection', connection: connection.id, side: 'vendor', topic: 'visits-2' })
    await vera.read(9, visits)
    await paul.read(9, visits)
    expect((await vera.publish(9, docOffer('r1', value))).code).toBe('FIELD')
    const policy = (more: object = {}): Uint8Array => controlEntryOf({ version: 1, slots: { 'visits-2': ['0', '1'] }, ...more })
    for (const [client, feed] of [
      [vera, feedNumbers.vendorMessages],
      [paul, feedNumbers.partnerMessages],
    ] as const)
      expect((await client.publish(feed, { ...offerOf('policy', 'control', policy()), seen: 1 })).code).toBe('ACCEPTED')
    expect((await vera.publish(9, docOffer('r1', value))).code).toBe('ACCEPTED')
    expect((await paul.next('entries', (message) => message.feed === 9)).entries[0]?.key).toBe('r1')
    expect((await vera.publish(9, docOffer('r2', value, 1, '2'))).code).toBe('FIELD')
    expect((await vera.publish(9, offerOf('hello', 'message'))).code).toBe('TYPE')
    const withdrawn = policy({ withdrawn: { 'visits-2': ['1'] } })
    expect((await paul.publish(feedNumbers.partnerMessages, { ...offerOf('policy', 'control', withdrawn), seen: 2 })).code).toBe('ACCEPTED')
    expect((await vera.publish(9, docOffer('r3', value, 1, '1'))).code).toBe('FIELD')
    expect((await paul.publish(feedNumbers.partnerMessages, { ...offerOf('policy', 'control', policy()), seen: 3 })).code).toBe('FIELD')
    const ended = { ...offerOf('policy', 'control', policy({ ended: true })), seen: 2 }
    expect((await vera.publish(feedNumbers.vendorMessages, ended)).code).toBe('ACCEPTED')
    expect((await paul.next('refused', ({ what, subject }) => what === 'feed' && subject === 9)).code).toBe('FEED')
  })
})
