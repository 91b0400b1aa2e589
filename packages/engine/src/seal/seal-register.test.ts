import { randomBytes } from 'node:crypto'
import { parseConnectionId, parseKey, parseOrgId } from '@entente/protocol'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { connectionFeed } from '../replica/feed-role.js'
import type { Register } from '../row/row.js'
import { claimHash, docKey, mailboxClaim, mailboxId, mailboxKey, messagesKey, teamKey, TeamNames } from './keys.js'
import { open, seal, type SealBinding } from './seal-register.js'

const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length))
const connection = parseConnectionId('c'.repeat(22))
const binding: SealBinding = {
  feed: connectionFeed(connection, 'vendor', 'lead'),
  key: parseKey('map'),
  slot: '3',
  epoch: { version: 2, number: 5 },
}
const key = docKey('A'.repeat(43), connection, 'vendor', 2)
const register: Register = [[1_767_603_600_000, 2, 8_891_194_141_531_439], { amount: '12.50', currency: 'EUR' }]

describe('a seal', () => {
  it('[SE1] opens where it was made, to the very stamp and value', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.nat(), (value, time) => {
        const sealed = seal(key, binding, [[time, 0, Number.MAX_SAFE_INTEGER], value as Register[1]], random)
        expect(open(key, binding, sealed)).toEqual([[time, 0, Number.MAX_SAFE_INTEGER], JSON.parse(JSON.stringify(value))])
      }),
    )
  })

  const elsewhere: readonly (readonly [string, SealBinding])[] = [
    ['another slot', { ...binding, slot: '4' }],
    ['another record', { ...binding, key: parseKey('other') }],
    ['the other direction', { ...binding, feed: connectionFeed(connection, 'partner', 'lead') }],
    ['another epoch', { ...binding, epoch: { version: 2, number: 6 } }],
  ]
  it.each(elsewhere)('[SE2] does not open in %s (row 40)', (_, moved) => {
    expect(open(key, moved, seal(key, binding, register, random))).toBeUndefined()
  })

  it('[SE2] does not open under another version’s key, nor with a byte changed', () => {
    const sealed = seal(key, binding, register, random)
    expect(open(docKey('A'.repeat(43), connection, 'vendor', 3), binding, sealed)).toBeUndefined()
    for (let index = 0; index < sealed.length; index++) {
      const broken = sealed.slice()
      broken[index] = (broken[index] ?? 0) ^ 1
      expect(open(key, binding, broken)).toBeUndefined()
    }
    expect(open(key, binding, new Uint8Array(3))).toBeUndefined()
  })

  it('[SE3] tells little of a value’s length', () => {
    const lengths = new Set(['a', 'abc', 'abcdef'].map((text) => seal(key, binding, [register[0], text], random).length))
    expect(lengths.size).toBe(1)
  })

  it('[SE6, SE7, SE8] derives different keys for different purposes, and the same mailbox for both sides', () => {
    const secret = 'B'.repeat(22)
    const [ours, theirs] = ['A'.repeat(43), 'B'.repeat(43)]
    expect(messagesKey(ours, connection, 'vendor')).not.toEqual(key)
    const keys = [
      docKey(ours, connection, 'vendor', 2),
      docKey(ours, connection, 'vendor', 3),
      docKey(ours, connection, 'partner', 2),
      messagesKey(ours, connection, 'vendor'),
      messagesKey(ours, connection, 'partner'),
      mailboxKey('B'.repeat(22), connection, 'vendor'),
      mailboxKey('B'.repeat(22), connection, 'partner'),
      teamKey(ours, parseOrgId(theirs)),
      teamKey(theirs, parseOrgId(theirs)),
    ]
    expect(new Set(keys.map(String)).size).toBe(keys.length)
    const mailbox = mailboxId(secret)
    expect(mailboxId(secret)).toBe(mailbox)
    expect(claimHash(mailboxClaim(secret, mailbox))).toHaveLength(32)
  })

  it('[SE9] is filed in a team’s feed under names that only the org can make', () => {
    const [ours, theirs] = [new TeamNames('A'.repeat(43)), new TeamNames('B'.repeat(43))]
    expect(ours.key('Lead', 'ada')).toBe(new TeamNames('A'.repeat(43)).key('Lead', 'ada'))
    const names = [
      ours.key('Lead', 'ada'),
      ours.key('Lead', 'bob'),
      theirs.key('Lead', 'ada'),
      ours.slot('Name'),
      ours.slot('Amount'),
      theirs.slot('Name'),
    ]
    expect(new Set(names).size).toBe(6)
    for (const name of names) expect(name).not.toMatch(/Lead|ada|Name/)
  })
})
