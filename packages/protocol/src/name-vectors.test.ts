import { fromBase64UrlEncoded } from 'lib0/buffer'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import vectors from '../vectors/names.json' with { type: 'json' }
import { policyKey } from './control-entry.js'
import { areCursorsOf, readCursors } from './cursors.js'
import { feedName, holdsMessages, parseFeed } from './feed.js'
import { connectionId, mailboxIdOf, parseKey, parseOrgId } from './id.js'
import { rosterKey, rosterNumber, thumbprintOf } from './roster.js'

describe('the vectors of names', () => {
  it('[F3] hold for orgs and connections', () => {
    for (const { x, id } of vectors.orgs) expect(thumbprintOf(x)).toBe(id)
    for (const { vendor, partner, salt, id } of vectors.connections)
      expect(connectionId(parseOrgId(vendor), parseOrgId(partner), salt)).toBe(id)
  })

  it('[MB9] hold for mailboxes', () => {
    for (const { claimHash, mailbox } of vectors.links) expect(mailboxIdOf(fromBase64UrlEncoded(claimHash))).toBe(mailbox)
  })

  it.each(vectors.feeds)('[F1, F5] hold for the feed $name', ({ name, holds, ...parts }) => {
    const feed = parseFeed(name)
    expect(feed).toEqual(parts)
    expect(feedName(feed)).toBe(name)
    expect(holdsMessages(feed)).toBe(holds === 'messages')
  })

  it.each(vectors.refusedFeeds)('[F1, F5] hold for the text “$name”, which is no feed’s name', ({ name, code }) => {
    expect(() => parseFeed(name)).toThrow(expect.objectContaining({ name: 'ProtocolError', code }))
  })

  it('[F1, PO1, RO5] hold for keys', () => {
    for (const key of vectors.keys.accepted) expect(parseKey(key)).toBe(key)
    for (const key of vectors.keys.refused) expect(() => parseKey(key)).toThrow(expect.objectContaining({ code: 'FRAME' }))
    const { policy, roster } = vectors.reserved
    expect(policyKey).toBe(policy)
    expect([rosterKey(roster.number), rosterNumber(parseKey(roster.key))]).toEqual([roster.key, roster.number])
  })

  it.each(vectors.cursors.accepted)('[RC1] hold for the cursors $cursors', ({ head, cursors }) => {
    const read = v.parse(readCursors, cursors)
    expect([...read]).toEqual(Object.entries(cursors))
    expect(areCursorsOf(parseFeed(head), read)).toBe(true)
  })

  it.each(vectors.cursors.refused)('[RC1] hold for cursors that are refused: $name', ({ head, cursors }) => {
    const result = v.safeParse(readCursors, cursors)
    expect(result.success && areCursorsOf(parseFeed(head), result.output)).toBe(false)
  })
})
