import { feedName, parseKey, parseOrgId } from '@entente/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Account, tombstoneBytes } from '../account.js'
import { bytes, DocWriter, erasure, feed, head, invitation, mailboxFeed, message, nameOf, org, other, second } from './writes.js'
import type { Store, Watcher, Write } from '../store.js'

/** One kind of store under test. `reopen` closes the present store and opens the same data again. */
export interface StoreUnderTest {
  open(): Promise<Store>
  reopen(store: Store): Promise<Store>
  /** Puts the present data aside and returns what puts it back, as an operator with a backup would; the store is closed meanwhile. */
  backUp(store: Store): Promise<() => Promise<Store>>
  cleanUp(): Promise<void>
}

/** The part of the suite about accounts, and about what the store says of itself. */
export function describeAccounts(name: string, create: () => StoreUnderTest): void {
  describe(`${name} keeps accounts:`, () => {
    let kind: StoreUnderTest
    let store: Store
    beforeEach(async () => {
      kind = create()
      store = await kind.open()
    })
    afterEach(async () => {
      await store.close()
      await kind.cleanUp()
    })

    const usage = async (of = org): Promise<Account['usage']> => (await store.account(of)).usage

    it('reads an org that was never written as new', async () => {
      expect(await store.account(org)).toEqual(account({}))
      expect(await store.accounts('', 10)).toEqual([])
    })

    it('counts bytes and docs over new, replaced, extended, erased and revived keys', async () => {
      const doc = new DocWriter('r1')
      const [whole, first] = [doc.begin(), doc.update(1)]
      const begun = await store.commit([whole, message('m', 0, 'four')])
      expect(begun.accounts).toEqual([account({ bytes: size(whole) + 4, docs: 2 })])
      await store.commit([first])
      expect(await usage()).toEqual({ bytes: size(whole) + size(first) + 4, docs: 2, connections: 0 })
      await store.commit([message('m', 2, 'longer than four')])
      expect(await usage()).toEqual({ bytes: size(whole) + size(first) + 16, docs: 2, connections: 0 })
      const anew: Write = { ...new DocWriter('r1').begin(), seen: 3, epoch: { version: 1, number: 1 } }
      await store.commit([anew])
      expect(await usage()).toEqual({ bytes: size(anew) + 16, docs: 2, connections: 0 })
      await store.commit([erasure('r1', 5), erasure('m', 4)])
      expect(await usage()).toEqual({ bytes: 2 * tombstoneBytes, docs: 0, connections: 0 })
      await store.commit([message('m', 7, 'back'), erasure('never', 0)])
      expect(await usage()).toEqual({ bytes: 4 + 2 * tombstoneBytes, docs: 1, connections: 0 })
      expect(await store.check()).toEqual([])
    })

    it('counts what happens to a key several times in one batch, and nothing that came too late', async () => {
      const commit = await store.commit([message('a', 0, '1'), message('a', 1, '22'), message('a', 0, 'too late'), message('b', 0, '333')])
      expect(commit.sequences).toEqual([1, 2, 0, 3])
      expect(commit.accounts).toEqual([account({ bytes: 5, docs: 2 })])
      expect((await store.commit([message('a', 9, 'too late')])).accounts).toEqual([])
      expect(await usage()).toEqual({ bytes: 5, docs: 2, connections: 0 })
    })

    it('[HD1] counts the head of a feed as one key, and the bytes of the newest', async () => {
      await store.commit([message('a', 0, '22'), head(1)])
      expect(await usage()).toEqual({ bytes: 3, docs: 2, connections: 0 })
      await store.commit([{ ...head(2, 2), bytes: bytes('longer') }])
      expect(await usage()).toEqual({ bytes: 8, docs: 2, connections: 0 })
      expect(await store.check()).toEqual([])
    })

    it('counts each org for itself, over all its feeds', async () => {
      const commit = await store.commit([
        message('a', 0, '1'),
        { ...message('b', 0, '22'), feed: second },
        { ...message('c', 0, '333'), feed: mailboxFeed(invitation('C', 1)), owner: other },
      ])
      expect([...commit.accounts].sort((one, two) => (one.org < two.org ? -1 : 1))).toEqual([
        account({ bytes: 3, docs: 2 }),
        account({ bytes: 3, docs: 1 }, other),
      ])
      expect(await usage()).toEqual({ bytes: 3, docs: 2, connections: 0 })
      expect(await usage(other)).toEqual({ bytes: 3, docs: 1, connections: 0 })
    })

    it('[RO3] keeps the highest roster of each org, over a restart too, and tells its number in one step with how the org stands', async () => {
      expect(await store.standing(org)).toEqual({ standing: 'none', roster: 0 })
      expect(await store.roster(org)).toBeUndefined()
      const keep = (number: number, token: string, of = org) => store.keepRoster({ org: of, number, token })
      expect([await keep(2, 'second'), await keep(2, 'another'), await keep(1, 'first'), await keep(1, 'its own', other)]).toEqual([
        true,
        false,
        false,
        true,
      ])
      await store.changeAccount(other, { standing: 'revoked' })
      await store.changeAccount(org, { standing: 'allowed' })
      expect(await keep(7, 'seventh')).toBe(true)
      store = await kind.reopen(store)
      expect(await store.standing(org)).toEqual({ standing: 'allowed', roster: 7 })
      expect(await store.standing(other)).toEqual({ standing: 'revoked', roster: 1 })
      expect([await store.roster(org), await store.roster(other)]).toEqual(['seventh', 'its own'])
      expect(await store.check()).toEqual([])
    })

    it('[QU1, PO5] counts connections up and down where a write says so and is taken, and finds in its check where they do not fit the policies', async () => {
      const policy: Write = { ...message('policy', 0, '{}'), feed: mailboxFeed(invitation('C', 1)), kind: 'control', connects: 1 }
      const another: Write = { ...policy, feed: mailboxFeed(invitation('D', 1)) }
      expect((await store.commit([policy])).accounts).toEqual([account({ bytes: 2, docs: 1, connections: 1 })])
      await store.commit([policy, { ...policy, seen: 1, connects: 0 }, another])
      expect(await usage()).toEqual({ bytes: 4, docs: 2, connections: 2 })
      expect(await store.check()).toEqual([])
      const ended: Write = { ...policy, seen: 2, connects: -1, bytes: bytes('{"ended":true}') }
      const judgedBy = (sequence: number): Write => ({ ...ended, given: [{ feed: ended.feed, key: ended.key, sequence }] })
      // Judged by a policy that is not the last any more; then rightly, and at the same time by another device.
      expect((await store.commit([judgedBy(1)])).sequences).toEqual([0])
      expect(await usage()).toMatchObject({ connections: 2 })
      const commit = await store.commit([judgedBy(2), ended])
      expect(commit.sequences).toEqual([3, 0])
      expect(commit.accounts).toEqual([account({ bytes: 16, docs: 2, connections: 1 })])
      expect(await store.check()).toEqual([])
      await store.commit([{ ...ended, seen: 3 }])
      expect((await store.check()).join('\n')).toContain('another number of connections')
    })

    it('counts what a compacted doc takes afterwards, updates that came meanwhile included', async () => {
      const doc = new DocWriter('r1')
      await store.commit([doc.begin()])
      await store.commit([doc.update(1)])
      await store.commit([doc.update(2)])
      const found = await store.doc(nameOf('r1'))
      const late = doc.update(3)
      await store.commit([late])
      const merged = doc.mergedUpTo(2)
      expect(found && (await store.compact(nameOf('r1'), found, merged))).toBe(true)
      expect(await usage()).toEqual({ bytes: merged.length + size(late), docs: 1, connections: 0 })
      expect((await store.keyStates([nameOf('r1')]))[0]?.bytes).toBe(merged.length + size(late))
      expect(found && (await store.compact(nameOf('r1'), found, merged))).toBe(false)
      expect(await usage()).toEqual({ bytes: merged.length + size(late), docs: 1, connections: 0 })
      expect(await store.check()).toEqual([])
    })

    it('gives back what dropped feeds took', async () => {
      const mailbox = mailboxFeed(invitation('C', 1))
      await store.commit([message('a', 0, '1'), { ...message('b', 0, '22'), feed: mailbox }, { ...erasure('c', 0), feed: mailbox }])
      await store.dropFeeds([mailbox, mailboxFeed(invitation('D', 1))])
      expect(await usage()).toEqual({ bytes: 1, docs: 1, connections: 0 })
      expect(await store.check()).toEqual([])
    })

    it('keeps what an operator decides, beside the usage, over reopening', async () => {
      await store.commit([message('a', 0, '1')])
      await store.changeAccount(org, { standing: 'allowed', quota: { bytes: 1_000_000_000_000, docs: 0 } })
      await store.changeAccount(other, { standing: 'revoked', quota: { connections: 3 } })
      await store.commit([message('b', 0, '22')])
      store = await kind.reopen(store)
      const mine = { ...account({ bytes: 3, docs: 2 }), standing: 'allowed', quota: { bytes: 1_000_000_000_000, docs: 0 } }
      expect(await store.account(org)).toEqual(mine)
      expect((await store.commit([message('c', 0, '333')])).accounts).toEqual([{ ...mine, usage: { bytes: 6, docs: 3, connections: 0 } }])
      expect(await store.account(other)).toEqual({ ...account({}, other), standing: 'revoked', quota: { connections: 3 } })
      await store.changeAccount(org, { standing: 'none', quota: { bytes: null, docs: null } })
      expect(await store.account(org)).toEqual(account({ bytes: 6, docs: 3 }))
    })

    it('leaves of what an operator decided all that a change does not name', async () => {
      expect(await store.changeAccount(org, { quota: { docs: 7 } })).toBe(true)
      await store.changeAccount(org, { standing: 'allowed' })
      await store.changeAccount(org, { quota: { bytes: 0, connections: 2 } })
      expect(await store.account(org)).toMatchObject({ standing: 'allowed', quota: { bytes: 0, docs: 7, connections: 2 } })
      await store.changeAccount(org, { quota: { docs: null } })
      expect(await store.account(org)).toEqual({ ...account({}), standing: 'allowed', quota: { bytes: 0, connections: 2 } })
    })

    it('changes an account only from the standing that a change names', async () => {
      expect(await store.changeAccount(org, { standing: 'revoked', onlyFrom: 'allowed' })).toBe(false)
      expect(await store.accounts('', 10)).toEqual([])
      expect(await store.changeAccount(org, { standing: 'allowed', onlyFrom: 'none' })).toBe(true)
      expect(await store.changeAccount(org, { standing: 'revoked', quota: { docs: 1 }, onlyFrom: 'none' })).toBe(false)
      expect(await store.account(org)).toEqual({ ...account({}), standing: 'allowed' })
      expect(await store.changeAccount(org, { standing: 'revoked', onlyFrom: 'allowed' })).toBe(true)
      expect(await store.account(org)).toMatchObject({ standing: 'revoked' })
    })

    it('loses none of the changes of an account that are made at once', async () => {
      await Promise.all([
        ...Array.from({ length: 20 }, () => store.changeAccount(org, { standing: 'allowed', onlyFrom: 'none' })),
        store.changeAccount(org, { standing: 'revoked' }),
        store.changeAccount(org, { quota: { bytes: 5 } }),
        store.changeAccount(org, { quota: { docs: 6 } }),
        store.changeAccount(org, { quota: { connections: 7 } }),
      ])
      expect(await store.account(org)).toMatchObject({ standing: 'revoked', quota: { bytes: 5, docs: 6, connections: 7 } })
    })

    it('pages through all accounts by org', async () => {
      const orgs = ['e', 'c', 'a', 'd', 'b', 'Z'].map((letter) => parseOrgId(letter.repeat(43)))
      for (const each of orgs) await store.changeAccount(each, { standing: 'allowed', quota: {} })
      const seen: string[] = []
      for (;;) {
        const page = await store.accounts(seen.at(-1) ?? '', 4)
        if (page.length === 0) break
        expect(page.length).toBeLessThanOrEqual(4)
        seen.push(...page.map((each) => each.org))
      }
      expect(seen).toEqual([...orgs].sort())
    })

    it('names the orgs that have taken up most of what they may, then those that hold most', async () => {
      const hold = async (letter: string, size: number, bound?: number): Promise<void> => {
        const owner = parseOrgId(letter.repeat(43))
        const own = feedName({ kind: 'team', org: owner, topic: 'messages' })
        await store.commit([{ ...message('m', 0, 'x'.repeat(size)), feed: own, owner }])
        if (bound !== undefined) await store.changeAccount(owner, { quota: { bytes: bound } })
      }
      await hold('p', 30)
      await hold('q', 40, 0)
      await hold('r', 9, 10)
      await hold('s', 25, 100)
      await store.changeAccount(parseOrgId('s'.repeat(43)), { quota: { docs: 2 } })
      const fullest = async (bytes: number, limit = 10): Promise<string> =>
        (await store.fullestAccounts({ bytes, docs: 0, connections: 0 }, limit)).map((each) => each.org[0]).join('')
      // Half of the docs that it may have count more for s than a quarter of the bytes.
      expect(await fullest(0)).toBe('rsqp')
      expect(await fullest(40)).toBe('rpsq')
      expect(await fullest(40, 2)).toBe('rp')
    })

    it('tells a watcher that what an operator decides has changed', async () => {
      let told = (): void => {}
      const change = new Promise<void>((resolve) => (told = resolve))
      const ignore = (): void => {}
      const watcher: Watcher = {
        followedFeeds: () => [],
        followedMailboxes: () => [],
        feedGrew: ignore,
        mailboxChanged: ignore,
        accountsChanged: () => told(),
        storeReplaced: ignore,
      }
      store.watch(watcher)
      await store.changeAccount(org, { standing: 'revoked', quota: {} })
      await change
    })

    it('has one secret, the same over reopening', async () => {
      const secret = store.secret()
      expect(secret.length).toBe(32)
      expect(new Set(secret).size).toBeGreaterThan(8)
      store = await kind.reopen(store)
      expect(new Uint8Array(store.secret())).toEqual(new Uint8Array(secret))
    })

    it('says how much it holds', async () => {
      const doc = new DocWriter('r1')
      await store.commit([doc.begin(), doc.update(1), message('m'), { ...erasure('gone', 0), feed: second }])
      await store.changeInvitation('A'.repeat(22), () => invitation('A', 1))
      expect(await store.stats()).toMatchObject({
        orgs: 1,
        feeds: 2,
        docs: 2,
        tombstones: 1,
        tailUpdates: 1,
        invitations: 1,
        incarnations: 1,
      })
      expect((await store.stats()).diskBytes).toBeGreaterThan(0)
    })

    it('finds nothing wrong with what it wrote itself', async () => {
      const docs = Array.from({ length: 50 }, (_, index) => new DocWriter(`r${index}`))
      await store.commit([...docs.map((doc) => doc.begin()), message('m'), { ...erasure('gone', 0), feed: second }])
      await store.commit(docs.map((doc, index) => doc.update(index + 1)))
      for (const [index, doc] of docs.entries()) {
        const name = { feed, key: parseKey(`r${index}`) }
        const found = await store.doc(name)
        if (found && index % 2 === 0) await store.compact(name, found, doc.mergedUpTo(1))
      }
      await store.commit([{ ...message('policy', 0, 'p'), kind: 'control', bytes: bytes('{}') }, erasure('r3', 55)])
      expect(await store.check()).toEqual([])
    })
  })
}

function account(usage: Partial<Account['usage']>, of = org): Account {
  return { org: of, standing: 'none', quota: {}, usage: { bytes: 0, docs: 0, connections: 0, ...usage } }
}

function size(write: Write): number {
  return write.bytes.length
}
