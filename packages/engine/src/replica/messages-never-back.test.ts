import { type FeedName, type Key, parseKey } from '@entente/protocol'
import { describe, expect, it } from 'vitest'
import { connectionFacts } from '../connect/connection-facts.js'
import { lead, leadFields, type MemoryOrg, setup } from '../testing/index.js'
import { feedOf, type Kept, withEntry } from '../testing/relay-state.js'
import type { MemoryRelay } from '../testing/relay.js'

// Stories of a relay that shows anew what it kept: each entry is genuine, and older than what the reader has seen.

/** What the relay keeps under a key now, for it to show again later. */
function kept(relay: MemoryRelay, feed: FeedName, key: Key): Kept {
  const found = feedOf(relay.state, feed).keys.get(key)
  if (!found) throw new Error(`The relay has nothing under ${key}.`)
  return found
}

/** The relay puts what it once kept behind the last entry of the feed, under the incarnation that devices know. */
function replay(relay: MemoryRelay, feed: FeedName, key: Key, old: Kept): void {
  if (old.kind === 'doc') throw new Error('This is about messages.')
  relay.restart(withEntry(relay.state, feed, key, (sequence) => ({ ...old, sequence }), new WeakSet()))
}

const messagesOf = (org: MemoryOrg, connection: string): { own: FeedName; peer: FeedName } => {
  const facts = connectionFacts(org.rows.get('Connection', connection))
  if (!facts) throw new Error('The orgs are not connected.')
  return { own: facts.ownMessages, peer: facts.peerMessages }
}

const isGranted = (org: MemoryOrg, connection: Parameters<MemoryOrg['people']['list']>[0]): boolean =>
  org.people.list(connection).some(({ granted }) => granted)

describe('[NB4, NB5] a relay that shows what is past (row 81)', () => {
  const [grants, people, proposal, agreed] = ['grants', 'people', 'proposal', 'agreed'].map(parseKey) as [Key, Key, Key, Key]

  it('shows Paul a grant that Vera took back, and Paul’s page goes on saying that he has none', async () => {
    const { vera, paul, relay, connection, settle } = await setup({ upTo: 'verified' })
    const { own } = messagesOf(vera, connection)
    const old = kept(relay, own, grants)
    await vera.people.revoke(connection, paul.user.id)
    await settle()
    expect(isGranted(paul, connection)).toBe(false)
    vera.sync.cut()
    replay(relay, own, grants, old)
    await settle(paul)
    expect(isGranted(paul, connection)).toBe(false)
    // Vera’s device hears its own words come back, older than its rows, and says the newer ones again.
    vera.sync.mend()
    await settle()
    expect(kept(relay, own, grants)).not.toMatchObject({ bytes: old.kind === 'message' && old.bytes })
    await vera.people.grant(connection, paul.user.id)
    await settle()
    expect(isGranted(paul, connection)).toBe(true)
  })

  it('shows it from an old disk, while Vera is away to put it right', async () => {
    const { vera, paul, relay, connection, settle } = await setup({ upTo: 'verified' })
    const backup = relay.state
    await vera.people.revoke(connection, paul.user.id)
    await settle()
    vera.sync.cut()
    relay.restart(backup)
    await settle(paul)
    expect(isGranted(paul, connection)).toBe(false)
    vera.sync.mend()
    await settle()
    expect(isGranted(paul, connection)).toBe(false)
    expect([...vera.problems, ...paul.problems]).toEqual([])
  })

  it('shows it to a device of Paul’s that has read nothing yet, and the rows of his org stay as they are', async () => {
    const { vera, paul, relay, connection, settle, openAnotherDevice } = await setup({
      upTo: 'verified',
    })
    const { own } = messagesOf(vera, connection)
    const old = kept(relay, own, grants)
    await vera.people.revoke(connection, paul.user.id)
    await settle()
    vera.sync.cut()
    replay(relay, own, grants, old)
    const second = await openAnotherDevice(paul)
    await settle(paul, second)
    expect([paul, second].map((device) => isGranted(device, connection))).toEqual([false, false])
  })

  it('shows Vera’s second device a list of people from before somebody joined', async () => {
    const { vera, paul, relay, connection, settle, openAnotherDevice } = await setup({ upTo: 'verified' })
    const { own } = messagesOf(paul, connection)
    const old = kept(relay, own, people)
    await paul.people.addUser('Petra', 'member')
    await settle()
    paul.sync.cut()
    replay(relay, own, people, old)
    const second = await openAnotherDevice(vera)
    await settle(vera, second)
    for (const device of [vera, second])
      expect(
        device.people
          .list(connection)
          .map(({ name }) => name)
          .sort(),
      ).toEqual(['Paul', 'Petra'])
  })

  it('shows Paul’s second device the hash of the agreement before the present one', async () => {
    const { vera, paul, relay, connection, settle, agree, openAnotherDevice } = await setup({ upTo: 'agreed' })
    const { own } = messagesOf(vera, connection)
    const old = kept(relay, own, agreed)
    await agree(leadFields.slice(0, 3))
    const { effective } = paul.agreements.get(connection) ?? {}
    expect(effective?.version).toBe(2)
    vera.sync.cut()
    replay(relay, own, agreed, old)
    const second = await openAnotherDevice(paul)
    await settle(paul, second)
    for (const device of [paul, second]) expect(device.agreements.get(connection)?.peerHash).toBe(effective?.hash)
  })

  it('shows Paul a listing that Vera took back, and one with values that she changed since', async () => {
    const { vera, paul, relay, connection, settle } = await setup({ upTo: 'shared' })
    const [ada, bob] = [await vera.records.create('Lead', lead('Ada')), await vera.records.create('Lead', lead('Bob'))]
    await settle()
    const { own } = messagesOf(vera, connection)
    const listed = () => paul.site.listings(connection, 'Lead').listings.map(({ values }) => [values['LastName'], values['Status']])
    const old = [...feedOf(relay.state, own).keys].filter(([key]) => key.startsWith('l.'))
    expect([old.length, listed().length]).toEqual([2, 2])
    await vera.records.edit('Lead', ada, { Company: 'Other' })
    await vera.records.edit('Lead', bob, { Status: 'Closed - Converted' })
    await settle()
    const now = [['Bob', 'Closed - Converted']]
    expect(listed()).toEqual(now)
    vera.sync.cut()
    for (const [key, entry] of old) replay(relay, own, key, entry)
    await settle(paul)
    expect(listed()).toEqual(now)
    vera.sync.mend()
    await settle()
    expect(listed()).toEqual(now)
    // The relay holds Vera’s present words again, for whoever reads it for the first time.
    expect(old.map(([key]) => kept(relay, own, key).kind)).toEqual(expect.arrayContaining(['erased', 'message']))
  })

  it('takes a listing off the site with an erasure from before Vera shared the record again', async () => {
    const { vera, paul, relay, connection, settle } = await setup({ upTo: 'shared' })
    const ada = await vera.records.create('Lead', lead('Ada'))
    await settle()
    const { own } = messagesOf(vera, connection)
    await vera.records.edit('Lead', ada, { Company: 'Other' })
    await settle()
    const [[key, erasure] = []] = [...feedOf(relay.state, own).keys].filter(([each]) => each.startsWith('l.'))
    if (!key || erasure?.kind !== 'erased') throw new Error('Vera took nothing back.')
    await vera.records.edit('Lead', ada, { Company: 'Acme' })
    await settle()
    vera.sync.cut()
    replay(relay, own, key, erasure)
    await settle(paul)
    expect(paul.site.listings(connection, 'Lead').total).toBe(1)
  })

  it('shows Paul a proposal that Vera has replaced', async () => {
    const { vera, paul, relay, connection, settle } = await setup({ upTo: 'verified' })
    const { own } = messagesOf(vera, connection)
    const [field] = vera.records.schema('Lead').fields.filter(({ name }) => name === 'LastName')
    const [other] = vera.records.schema('Lead').fields.filter(({ name }) => name === 'Company')
    if (!field || !other) throw new Error('The sample schema has both fields.')
    await vera.agreements.propose(connection, { objects: { Lead: { fields: [{ field, update: false }] } } })
    await settle()
    const old = kept(relay, own, proposal)
    await vera.agreements.propose(connection, { objects: { Lead: { fields: [{ field: other, update: false }] } } })
    await settle()
    vera.sync.cut()
    replay(relay, own, proposal, old)
    await settle(paul)
    expect(paul.agreements.get(connection)?.proposal).toMatchObject({ version: 2 })
    expect(paul.problems).toEqual([])
  })
})
