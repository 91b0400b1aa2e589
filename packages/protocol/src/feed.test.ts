import { describe, expect, it } from 'vitest'
import {
  connectionGovernedBy,
  connectionOfDocs,
  holdsMessages,
  mailboxFeedsOf,
  messageFeedsOf,
  orgOfRosterFeed,
  parseFeed,
  parseFeedName,
  policyFeedsOf,
  rosterFeedOf,
} from './feed.js'
import { connectionId, mailboxIdOf, parseOrgId } from './id.js'

const vendor = parseOrgId('V'.repeat(43))
const partner = parseOrgId('P'.repeat(43))
const connection = connectionId(vendor, partner, 'salt')
const mailbox = mailboxIdOf(new Uint8Array(32))
const messages = [`${connection}/vendor/messages`, `${connection}/partner/messages`]
const docs = [`${connection}/vendor/lead`, `${connection}/vendor/opportunity`, `${connection}/partner/lead`, `${connection}/partner/x-2`]
const mailboxes = [`mailbox/${mailbox}/vendor`, `mailbox/${mailbox}/partner`]
const team = [`${vendor}/team/rows`, `${vendor}/team/history`]

describe('the feeds of a connection', () => {
  it('[F5] hold messages where the topic is called so, and docs under every other name', () => {
    expect(messageFeedsOf(connection)).toEqual(messages)
    for (const name of [...messages, ...mailboxes]) expect(holdsMessages(parseFeed(name))).toBe(true)
    for (const name of [...docs, ...team]) expect(holdsMessages(parseFeed(name))).toBe(false)
    for (const name of docs) expect(connectionOfDocs(parseFeed(name))).toBe(connection)
    for (const name of [...messages, ...mailboxes, ...team]) expect(connectionOfDocs(parseFeed(name))).toBeUndefined()
  })

  it('[PO2, PO5] are all governed by the policies in both feeds of messages', () => {
    for (const name of [...messages, ...docs]) expect(policyFeedsOf(parseFeedName(name))).toEqual(messages)
    for (const name of [...team, ...mailboxes, rosterFeedOf(vendor)]) expect(policyFeedsOf(parseFeedName(name))).toEqual([])
  })

  it('[PO5] end by a policy in a feed of messages, and by no other feed', () => {
    for (const name of messages) expect(connectionGovernedBy(parseFeedName(name))).toBe(connection)
    for (const name of [...docs, ...mailboxes, ...team, `${vendor}/team/messages`])
      expect(connectionGovernedBy(parseFeedName(name))).toBeUndefined()
  })
})

describe('the feeds of a mailbox', () => {
  it('[MB9] are a kind of their own, which no connection’s name can be', () => {
    expect(mailboxFeedsOf(mailbox)).toEqual(mailboxes)
    for (const name of mailboxes) expect(parseFeed(name)).toMatchObject({ kind: 'mailbox', mailbox })
  })
})

describe('the feed of an org’s rosters', () => {
  it('[RO5] is the messages of its own team', () => {
    expect(rosterFeedOf(vendor)).toBe(`${vendor}/team/messages`)
    expect(orgOfRosterFeed(rosterFeedOf(vendor))).toBe(vendor)
    for (const name of [...team, ...messages, ...docs, ...mailboxes]) expect(orgOfRosterFeed(parseFeedName(name))).toBeUndefined()
  })
})
