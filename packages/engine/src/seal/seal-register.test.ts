import { mailboxIdOf, parseConnectionId, parseKey, parseOrgId } from '@entente/protocol'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { connectionFeed } from '../replica/feed-role.js'
import type { Register } from '../row/row.js'
import { claimHash, connectionKey, mailboxClaim, mailboxId, mailboxKey, namingKey, originKey, teamKey, TeamNames } from './keys.js'
import { generationOf, open, Origin, seal, type SealBinding } from './seal-register.js'

const org = parseOrgId('V'.repeat(43))
const connection = parseConnectionId('c'.repeat(22))
const binding: SealBinding = {
  feed: connectionFeed(connection, 'vendor', 'lead'),
  key: parseKey('map'),
  slot: '3',
  epoch: { version: 2, number: 5 },
}
const key = connectionKey('A'.repeat(43), connection, 'vendor', 'docs')
const keys = { cipher: key, origin: new Origin(originKey('S'.repeat(43), org)) }
const register: Register = [[1_767_603_600_000, 2, 8_891_194_141_531_439], { amount: '12.50', currency: 'EUR' }]

describe('a seal', () => {
  it('[SE1] opens where it was made, to the very stamp and value', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.nat(), (value, time) => {
        const sealed = seal(keys, binding, [[time, 0, Number.MAX_SAFE_INTEGER], value as Register[1]])
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
    expect(open(key, moved, seal(keys, binding, register))).toBeUndefined()
  })

  it('[SE2] does not open under the other direction’s key, nor with a byte changed', () => {
    const sealed = seal(keys, binding, register)
    expect(open(connectionKey('A'.repeat(43), connection, 'partner', 'docs'), binding, sealed)).toBeUndefined()
    for (let index = 0; index < sealed.length; index++) {
      const broken = sealed.slice()
      broken[index] = (broken[index] ?? 0) ^ 1
      expect(open(key, binding, broken)).toBeUndefined()
    }
    expect(open(key, binding, new Uint8Array(3))).toBeUndefined()
  })

  it('[SE3] tells little of a value’s length', () => {
    const lengths = new Set(['a', 'abc', 'abcdef'].map((text) => seal(keys, binding, [register[0], text]).length))
    expect(lengths.size).toBe(1)
  })

  it('[OR1] of the same register at the same place is the same, and opens at its own org only with that org’s nonce', () => {
    const sealed = seal(keys, binding, register)
    expect(seal(keys, binding, register)).toEqual(sealed)
    expect(seal(keys, { ...binding, epoch: { version: 2, number: 6 } }, register).subarray(1, 25)).not.toEqual(sealed.subarray(1, 25))
    expect(open(key, binding, sealed, keys.origin)).toEqual(register)
    // The peer has the direction's key too. What it seals opens at itself and nowhere else.
    const forged = seal({ ...keys, origin: new Origin(originKey('P'.repeat(43), org)) }, binding, register)
    expect(open(key, binding, forged)).toEqual(register)
    expect(open(key, binding, forged, keys.origin)).toBeUndefined()
  })

  it('[SE6, RT1] names the generation of its key, and opens with no other', () => {
    const sealed = seal(keys, binding, register)
    expect([sealed[0], generationOf(sealed), generationOf(new Uint8Array([1]))]).toEqual([0, 0, 0])
    expect(open(key, binding, sealed.with(0, 1))).toBeUndefined()
    const next = connectionKey('A'.repeat(43), connection, 'vendor', 'docs', 255)
    const later = seal({ ...keys, cipher: next, generation: 255 }, binding, register)
    expect([generationOf(later), open(next, binding, later, keys.origin), open(key, binding, later)]).toEqual([255, register, undefined])
    // Under the same key the byte alone is bound too.
    expect(open(next, binding, later.with(0, 254))).toBeUndefined()
  })

  it('[SE6, SE7, SE8, OR1] derives different keys for different purposes, and the same mailbox for both sides', () => {
    const secret = 'B'.repeat(22)
    const mailbox = mailboxId(secret)
    const [ours, theirs] = ['A'.repeat(43), 'B'.repeat(43)]
    const derived = [
      connectionKey(ours, connection, 'vendor', 'docs'),
      connectionKey(ours, connection, 'vendor', 'messages'),
      connectionKey(ours, connection, 'partner', 'docs'),
      connectionKey(ours, connection, 'partner', 'messages'),
      mailboxKey(secret, mailbox, 'vendor'),
      mailboxKey(secret, mailbox, 'partner'),
      teamKey(ours, parseOrgId(theirs)),
      teamKey(theirs, parseOrgId(theirs)),
      originKey(ours, parseOrgId(theirs)),
      namingKey(ours, parseOrgId(theirs)),
      namingKey(ours, connection),
    ]
    expect(new Set(derived.map(String)).size).toBe(derived.length)
    expect(mailboxId(secret)).toBe(mailbox)
    expect(mailboxIdOf(claimHash(mailboxClaim(secret)))).toBe(mailbox)
  })

  it('[SE9] is filed in a team’s feed under names that only the org can make', () => {
    const [ours, theirs] = [new TeamNames('A'.repeat(43), org), new TeamNames('B'.repeat(43), org)]
    expect(ours.key('Lead', 'ada')).toBe(new TeamNames('A'.repeat(43), org).key('Lead', 'ada'))
    const names = [ours.key('Lead', 'ada'), ours.key('Lead', 'bob'), ours.key('Opportunity', 'ada'), theirs.key('Lead', 'ada')]
    expect(new Set(names).size).toBe(4)
    for (const name of names) expect(name).not.toMatch(/Lead|ada/)
  })
})
