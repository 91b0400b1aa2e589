import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { areCursorsOf, readCursors } from './cursors.js'
import { parseFeed } from './feed.js'
import { connectionId, parseOrgId } from './id.js'

const [vendor, partner] = [parseOrgId('V'.repeat(43)), parseOrgId('P'.repeat(43))]
const connection = connectionId(vendor, partner, 'salt')
const cursors = { [`${connection}/partner/lead`]: 12, [`${connection}/partner/messages`]: 0 }
const head = parseFeed(`${connection}/vendor/messages`)

describe('read cursors', () => {
  it('[RC1] tell the last sequence that was read of each of the peer’s feeds', () => {
    expect([...v.parse(readCursors, cursors)]).toEqual(Object.entries(cursors))
    expect(areCursorsOf(head, v.parse(readCursors, cursors))).toBe(true)
    expect(areCursorsOf(head, v.parse(readCursors, {}))).toBe(true)
  })

  it.each([
    ['a name that is no feed’s', { lead: 1 }],
    ['a sequence that is none', { [`${connection}/partner/lead`]: -1 }],
    ['a sequence above 2^53 - 1', { [`${connection}/partner/lead`]: 2 ** 53 }],
    ['a part of a sequence', { [`${connection}/partner/lead`]: 1.5 }],
    ['more feeds than a head may name', Object.fromEntries(Array.from({ length: 33 }, (_, n) => [`${connection}/partner/t${n}`, n]))],
    ['no object', [1]],
  ])('[RC1] are refused with %s', (_, value) => {
    expect(v.safeParse(readCursors, value).success).toBe(false)
  })

  it.each([
    ['the own side', head, `${connection}/vendor/lead`],
    ['another connection', head, `${connectionId(vendor, partner, 'other')}/partner/lead`],
    ['a team', head, `${vendor}/team/rows`],
    ['a connection, in the head of a team’s feed', parseFeed(`${vendor}/team/rows`), `${connection}/partner/lead`],
  ])('[RC1] are none of a head with a feed of %s', (_, feed, name) => {
    expect(areCursorsOf(feed, v.parse(readCursors, { [name]: 1 }))).toBe(false)
  })
})
