import { describe, expect, it } from 'vitest'
import { ProtocolError } from './error.js'
import { feedName, otherSide, parseFeed, parseFeedName } from './feed.js'
import { connectionId, parseConnectionId, parseDeviceId, parseKey, parseOrgId } from './id.js'
import { revocationKey, revokedDevice } from './control-entry.js'

const vendor = parseOrgId('V'.repeat(43))
const partner = parseOrgId('P'.repeat(43))

describe('ids and feed names', () => {
  it('[F1] come out of their parsers alone, each in one form', () => {
    for (const wrong of ['', 'short', 'V'.repeat(42), `${'V'.repeat(42)}=`, `${'V'.repeat(43)}\n`])
      expect(() => parseOrgId(wrong)).toThrow(ProtocolError)
    for (const wrong of ['', 'a b', 'ä', 'k'.repeat(65)]) expect(() => parseKey(wrong)).toThrow(ProtocolError)
    expect(() => parseConnectionId('V'.repeat(43))).toThrow(ProtocolError)
    const connection = connectionId(vendor, partner, 'salt')
    for (const name of [`${connection}/vendor/lead`, `${connection}/partner/messages`, `${vendor}/team/rows`])
      expect(feedName(parseFeed(name))).toBe(name)
    for (const wrong of [
      '',
      'x',
      `${connection}/vendor`,
      `${connection}/vendor/rows`,
      `${vendor}/team/lead`,
      `${connection}/team/rows`,
      `${connection}/vendor/lead/x`,
    ]) {
      expect(() => parseFeedName(wrong)).toThrow(ProtocolError)
    }
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

  it('know the other side, and the device that a control entry revokes', () => {
    expect([otherSide('vendor'), otherSide('partner')]).toEqual(['partner', 'vendor'])
    const device = parseDeviceId('D'.repeat(43))
    expect(revokedDevice(revocationKey(device))).toBe(device)
    expect(revokedDevice(parseKey('policy'))).toBeUndefined()
  })
})
