import { describe, expect, it } from 'vitest'
import {
  docFeedsGovernedBy,
  docFeedsOf,
  messageFeedsOf,
  orgOfRevocationFeed,
  parseFeedName,
  policyFeedsOf,
  revocationFeedOf,
} from './feed.js'
import { connectionId, parseOrgId } from './id.js'

const vendor = parseOrgId('V'.repeat(43))
const partner = parseOrgId('P'.repeat(43))
const connection = connectionId(vendor, partner, 'salt')
const messages = [`${connection}/vendor/messages`, `${connection}/partner/messages`]
const docs = [
  `${connection}/vendor/lead`,
  `${connection}/vendor/opportunity`,
  `${connection}/partner/lead`,
  `${connection}/partner/opportunity`,
]

describe('the feeds of a connection', () => {
  it('are two of messages, the vendor’s first, and four of docs', () => {
    expect(messageFeedsOf(connection)).toEqual(messages)
    expect(docFeedsOf(connection)).toEqual(docs)
  })

  it('[PO2, PO5] are all governed by the policies in both feeds of messages', () => {
    for (const name of [...messages, ...docs]) expect(policyFeedsOf(parseFeedName(name))).toEqual(messages)
    expect(policyFeedsOf(parseFeedName(`${vendor}/team/rows`))).toEqual([])
    expect(policyFeedsOf(revocationFeedOf(vendor))).toEqual([])
  })

  it('[PO5] of docs end by a policy in a feed of messages, and by no other feed', () => {
    for (const name of messages) expect(docFeedsGovernedBy(parseFeedName(name))).toEqual(docs)
    for (const name of [...docs, `${vendor}/team/rows`, `${vendor}/team/messages`])
      expect(docFeedsGovernedBy(parseFeedName(name))).toEqual([])
  })
})

describe('the feed of an org’s revocations', () => {
  it('[PO7] is the messages of its own team', () => {
    expect(revocationFeedOf(vendor)).toBe(`${vendor}/team/messages`)
    expect(orgOfRevocationFeed(revocationFeedOf(vendor))).toBe(vendor)
    for (const name of [`${vendor}/team/rows`, ...messages, ...docs]) expect(orgOfRevocationFeed(parseFeedName(name))).toBeUndefined()
  })
})
