import { encodeUtf8 } from 'lib0/string'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { decodeHead, encodeHead, headClaims, headKey } from './head.js'
import { connectionId, parseOrgId } from './id.js'
import { limits } from './limits.js'

const token = 'header.claims.signature'
const connection = connectionId(parseOrgId('V'.repeat(43)), parseOrgId('P'.repeat(43)), 'salt')
const claims = {
  feed: `${connection}/vendor/messages`,
  incarnation: 2 ** 53 - 1,
  sequence: 9,
  root: 'A'.repeat(43),
  generation: 0,
  time: 1_767_603_600_000,
  cursors: { [`${connection}/partner/lead`]: 12 },
}

describe('a head', () => {
  it.each([0, 1, 127, 128, 2 ** 53 - 1])('[HD1] that covers %d entries is read again as it was written', (sequence) => {
    expect(decodeHead(encodeHead({ sequence, token }))).toEqual({ sequence, token })
  })

  it('[HD1] is a uint and then the token, to the end', () => {
    expect(encodeHead({ sequence: 300, token: 'a.b.c' })).toEqual(new Uint8Array([0xac, 0x02, ...encodeUtf8('a.b.c')]))
    expect(headKey).toBe('head')
  })

  it.each([
    ['no byte', []],
    ['no token', [9]],
    ['a sequence that does not end', [0x80]],
    ['a sequence of 2^53', [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10, ...encodeUtf8(token)]],
    ['a token that is no UTF-8', [9, ...encodeUtf8('a.b.'), 0xff]],
    ['two parts', [9, ...encodeUtf8('header.claims')]],
    ['an empty signature', [9, ...encodeUtf8('header.claims.')]],
    ['a fourth part', [9, ...encodeUtf8(`${token}.more`)]],
    ['a byte behind the signature', [9, ...encodeUtf8(`${token}\n`)]],
    ['a token behind zeros', [9, 0, 0, ...encodeUtf8(token)]],
  ])('[HD1] of %s is refused with FRAME', (_, bytes) => {
    expect(() => decodeHead(new Uint8Array(bytes))).toThrow(expect.objectContaining({ name: 'ProtocolError', code: 'FRAME' }))
  })

  it('[HD1] has a token of at most 8 KiB, else SIZE', () => {
    const padded = (length: number): string => 'a.b.'.padEnd(length, 'c')
    const most = { sequence: 1, token: padded(limits.tokenBytes) }
    expect(decodeHead(encodeHead(most))).toEqual(most)
    for (const length of [limits.tokenBytes + 1, limits.entryBytes])
      expect(() => decodeHead(encodeHead({ sequence: 1, token: padded(length) }))).toThrow(
        expect.objectContaining({ name: 'ProtocolError', code: 'SIZE' }),
      )
  })

  it('[HD2, RC1] claims what its feed holds, when, and how far the peer’s feeds were read', () => {
    const read = v.parse(headClaims, claims)
    expect(read).toEqual({ ...claims, cursors: new Map(Object.entries(claims.cursors)) })
    expect(v.parse(headClaims, { ...claims, next: claims.time + 3_600_000 }).next).toBe(claims.time + 3_600_000)
    expect(v.safeParse(headClaims, { ...claims, sequence: 0, generation: 255, time: 2 ** 46 - 1, cursors: {} }).success).toBe(true)
  })

  it.each([
    ['a feed of another form', { feed: 'messages' }],
    ['an incarnation below 0', { incarnation: -1 }],
    ['a sequence of 2^53', { sequence: 2 ** 53 }],
    ['a part of a sequence', { sequence: 0.5 }],
    ['a root of 31 bytes', { root: 'A'.repeat(42) }],
    ['another spelling of a root', { root: `${'A'.repeat(42)}B` }],
    ['a generation of more than one byte', { generation: 256 }],
    ['a time of 2^46 ms', { time: 2 ** 46 }],
    ['a time before 1970', { time: -1 }],
    ['a next time of 2^46 ms', { next: 2 ** 46 }],
    ['a next time that is a text', { next: 'soon' }],
    ['cursors of no feed', { cursors: { lead: 1 } }],
    ['no cursors', { cursors: undefined }],
    [
      'more cursors than it may have',
      { cursors: Object.fromEntries(Array.from({ length: 33 }, (_, at) => [`${connection}/partner/t${at}`, at])) },
    ],
  ])('[HD2, RC1] claims nothing with %s', (_, other) => {
    expect(v.safeParse(headClaims, { ...claims, ...other }).success).toBe(false)
  })
})
