import { describe, expect, it } from 'vitest'
import { ProtocolError } from './error.js'
import { feedName, otherSide, parseFeed, parseFeedName } from './feed.js'
import { connectionId, mailboxIdOf, parseConnectionId, parseKey, parseOrgId } from './id.js'

const vendor = parseOrgId('V'.repeat(43))
const partner = parseOrgId('P'.repeat(43))

describe('ids and feed names', () => {
  it('[F1] come out of their parsers alone, each in one form', () => {
    for (const wrong of ['', 'short', 'V'.repeat(42), `${'V'.repeat(42)}=`, `${'V'.repeat(43)}\n`])
      expect(() => parseOrgId(wrong)).toThrow(ProtocolError)
    for (const wrong of ['', 'a b', 'ä', 'k'.repeat(65)]) expect(() => parseKey(wrong)).toThrow(ProtocolError)
    expect(() => parseConnectionId('V'.repeat(43))).toThrow(ProtocolError)
    const connection = connectionId(vendor, partner, 'salt')
    const mailbox = mailboxIdOf(new Uint8Array(32))
    for (const name of [`${connection}/vendor/lead`, `${connection}/partner/messages`, `${vendor}/team/rows`, `mailbox/${mailbox}/partner`])
      expect(feedName(parseFeed(name))).toBe(name)
    for (const wrong of [
      '',
      'x',
      `${connection}/vendor`,
      `${connection}/third/rows`,
      `${connection}/team/rows`,
      `${vendor}/vendor/lead`,
      `mailbox/${mailbox}/team`,
      `mailbox/${vendor}/vendor`,
      `mailbox/vendor/messages`,
      `mailbox/${mailbox}/vendor/messages`,
      `${connection}/vendor/lead/x`,
    ]) {
      expect(() => parseFeedName(wrong)).toThrow(ProtocolError)
    }
  })

  it('[F5] have a topic with a name of its own form', () => {
    const connection = connectionId(vendor, partner, 'salt')
    for (const topic of ['a', 'lead', 'x-2', 'constructor', 'v'.repeat(24)]) {
      expect(parseFeed(`${connection}/vendor/${topic}`)).toMatchObject({ topic })
      expect(parseFeed(`${vendor}/team/${topic}`)).toMatchObject({ topic })
    }
    for (const topic of ['', 'Lead', '2x', '-x', 'a_b', 'a.b', 'ä', 'lead\n', '__proto__', 'v'.repeat(25)]) {
      expect(() => parseFeed(`${connection}/vendor/${topic}`)).toThrow(ProtocolError)
      expect(() => feedName({ kind: 'team', org: vendor, topic })).toThrow(ProtocolError)
    }
  })

  it('[MB9] tie a mailbox to its claim: another hash is another id, and no parties give it', () => {
    const [one, other] = [new Uint8Array(32), new Uint8Array(32).fill(1)]
    expect(mailboxIdOf(one)).toBe(mailboxIdOf(one.slice()))
    expect(mailboxIdOf(one)).not.toBe(mailboxIdOf(other))
  })

  it('[F3] prove the parties of a connection: another party, order or salt is another id', () => {
    const ids = [
      connectionId(vendor, partner, 'a'),
      connectionId(partner, vendor, 'a'),
      connectionId(vendor, partner, 'b'),
      connectionId(vendor, vendor, 'a'),
    ]
    expect(new Set(ids).size).toBe(4)
    expect(connectionId(vendor, partner, 'a')).toBe(ids[0])
  })

  it('know the other side', () => {
    expect([otherSide('vendor'), otherSide('partner')]).toEqual(['partner', 'vendor'])
  })
})
