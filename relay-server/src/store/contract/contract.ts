import { entryOf, loadDoc, readSlots } from '@entente/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { describeAccounts, type StoreUnderTest } from './accounts.js'
import {
  bounds,
  bytes,
  DocWriter,
  erasure,
  feed,
  head,
  invitation,
  keysOf,
  mailboxFeed,
  message,
  nameOf,
  org,
  other,
  second,
} from './writes.js'
import { type Invitation, lengthOnWire, type Page, type Store, type Write } from '../store.js'

/** The suite that every adapter of the store interface passes (the guarantees of its comment). */
export function describeStore(name: string, create: () => StoreUnderTest): void {
  describeAccounts(name, create)
  describe(`${name} keeps the store's guarantees:`, () => {
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

    it('gives the sequences of each feed without gaps, in the order of the writes', async () => {
      const commit = await store.commit([message('a'), { ...message('b'), feed: second }, message('c')])
      expect(commit.sequences).toEqual([1, 1, 2])
      expect(commit.incarnation).toBe(store.incarnation())
      expect((await store.commit([message('d')])).sequences).toEqual([3])
      expect((await store.page(second, 0, bounds)).head).toBe(1)
    })

    it('writes nothing for a write that comes too late, and all others of its batch', async () => {
      await store.commit([message('a')])
      const commit = await store.commit([message('b'), message('a'), message('a', 1), message('a', 1), message('c', 7)])
      expect(commit.sequences).toEqual([2, 0, 3, 0, 0])
      expect(keysOf(await store.page(feed, 0, bounds))).toEqual(['b 2', 'a 3'])
    })

    it('writes nothing that was judged by an entry that is no longer the last of its key', async () => {
      await store.commit([message('policy'), { ...message('policy'), feed: second }])
      const both = [
        { ...nameOf('policy'), sequence: 1 },
        { ...nameOf('policy', second), sequence: 1 },
      ]
      const judged = (key: string, given = both): Write => ({ ...message(key), given })
      expect((await store.commit([judged('a'), judged('b')])).sequences).toEqual([2, 3])
      const none = [{ ...nameOf('none', second), sequence: 0 }]
      expect((await store.commit([judged('c', none), judged('d', [{ ...nameOf('policy'), sequence: 2 }])])).sequences).toEqual([4, 0])
      const changed = await store.commit([
        judged('e'),
        { ...message('policy', 1), feed: second },
        judged('f'),
        judged('g', [...both]),
        message('h'),
        { ...message('none'), feed: second },
        judged('i', none),
      ])
      expect(changed.sequences).toEqual([5, 2, 0, 0, 6, 3, 0])
      expect((await store.commit([judged('f'), judged('f', [{ ...nameOf('policy', second), sequence: 2 }])])).sequences).toEqual([0, 7])
      expect(await store.check()).toEqual([])
    })

    it('[HD1] writes a head only where it follows the last entry of its feed, earlier heads and its own batch included', async () => {
      expect((await store.commit([head(0)])).sequences).toEqual([1])
      expect((await store.commit([message('a'), head(1, 1), head(2, 1), head(2, 3), head(3, 3)])).sequences).toEqual([2, 0, 3, 0, 4])
      const inAnother = { ...head(0), feed: second }
      const mixed = await store.commit([
        { ...message('b'), feed: second },
        inAnother,
        head(4, 4),
        message('c'),
        { ...inAnother, follows: 1 },
      ])
      expect(mixed.sequences).toEqual([1, 0, 5, 6, 2])
      expect((await store.commit([head(5, 5), head(7, 5), message('d')])).sequences).toEqual([0, 0, 7])
      expect(keysOf(await store.page(feed, 0, bounds))).toEqual(['a 2', 'head 5', 'c 6', 'd 7'])
      expect(await store.keyStates([nameOf('head')])).toMatchObject([{ sequence: 5, kind: 'head' }])
      expect(await store.check()).toEqual([])
    })

    it('[HD1] takes a merged doc for the entry of its last update: merging makes no head late, and none early', async () => {
      const doc = new DocWriter('r1')
      await store.commit([doc.begin(), doc.update(1)])
      const found = await store.doc(nameOf('r1'))
      expect(found && (await store.compact(nameOf('r1'), found, doc.mergedUpTo(1)))).toBe(true)
      expect((await store.commit([head(1)])).sequences).toEqual([0])
      expect((await store.commit([head(2)])).sequences).toEqual([3])
    })

    it('leaves no trace of a feed whose only write came too late', async () => {
      expect((await store.commit([message('a', 1), { ...head(1), feed: second }])).sequences).toEqual([0, 0])
      expect(await store.stats()).toMatchObject({ feeds: 0, orgs: 0 })
    })

    it('shows merged states, later updates, messages and tombstones at their sequences', async () => {
      const doc = new DocWriter('r1')
      await store.commit([doc.begin(), message('m'), doc.update(1), doc.update(3)])
      await store.commit([erasure('m', 2)])
      const page = await store.page(feed, 0, bounds)
      expect(page).toMatchObject({ head: 5, incarnation: store.incarnation(), done: true })
      expect(page.entries.map(entryOf).map((entry) => [entry.sequence, entry.key, entry.kind, entry.whole])).toEqual([
        [1, 'r1', 'doc', true],
        [3, 'r1', 'doc', false],
        [4, 'r1', 'doc', false],
        [5, 'm', 'erased', true],
      ])
      expect(keysOf(await store.page(feed, 3, bounds))).toEqual(['r1 4', 'm 5'])
      expect(keysOf(await store.page(feed, 5, bounds))).toEqual([])
    })

    it('pages a feed without leaving anything out, whatever the bounds', async () => {
      const docs = Array.from({ length: 100 }, (_, index) => new DocWriter(`r${index}`))
      await store.commit(docs.map((doc) => doc.begin()))
      await store.commit(docs.filter((_, index) => index % 3 === 0).map((doc, index) => doc.update(index * 3 + 1)))
      for (const narrow of [
        { bytes: 1, entries: 1_000 },
        { bytes: 1_000_000, entries: 7 },
        { bytes: 700, entries: 1_000 },
      ]) {
        const seen: number[] = []
        let page: Page
        do {
          page = await store.page(feed, seen.at(-1) ?? 0, narrow)
          seen.push(...page.entries.map((entry) => entry.sequence))
          expect(page.entries.length).toBeLessThanOrEqual(narrow.entries)
          // A page of more would leave in two messages, the second a small one.
          const length = page.entries.reduce((sum, entry) => sum + lengthOnWire(entry), 0)
          if (page.entries.length > 1) expect(length).toBeLessThanOrEqual(narrow.bytes)
        } while (!page.done)
        expect(seen).toEqual(Array.from({ length: 134 }, (_, index) => index + 1))
      }
    })

    it('tells the last entry of keys, its epoch and its vector', async () => {
      const doc = new DocWriter('r1')
      await store.commit([doc.begin()])
      const update = doc.update(1)
      await store.commit([update])
      const [known, unknown] = await store.keyStates([nameOf('r1'), nameOf('r1', second)])
      const taken = doc.mergedUpTo(0).length + update.bytes.length
      expect(known).toMatchObject({ sequence: 2, kind: 'doc', epoch: { version: 1, number: 0 }, bytes: taken })
      expect(known?.vector).toEqual(update.vector)
      expect(unknown).toBeUndefined()
    })

    it('gives the bytes and the sequence of control entries, and of nothing else', async () => {
      await store.commit([{ ...message('policy', 0, 'p'), kind: 'control' }, erasure('gone', 0), new DocWriter('r1').begin(), message('m')])
      await store.commit([{ ...message('policy', 1, 'q'), kind: 'control' }])
      const found = await store.controlEntry(nameOf('policy'))
      expect(found?.sequence).toBe(5)
      expect(new Uint8Array(found?.bytes ?? [])).toEqual(new Uint8Array(bytes('q')))
      for (const key of ['gone', 'r1', 'm', 'never']) expect(await store.controlEntry(nameOf(key))).toBeUndefined()
    })

    it('compacts a doc to one state at its last sequence, and takes updates that came meanwhile for tail', async () => {
      const doc = new DocWriter('r1')
      await store.commit([doc.begin()])
      expect((await store.commit([doc.update(1), message('m')])).tails).toEqual([1, 0])
      expect((await store.commit([doc.update(2)])).tails).toEqual([2])
      const name = nameOf('r1')
      const found = await store.doc(name)
      expect(found?.states.length).toBe(3)
      await store.commit([doc.update(4)])
      expect(found && (await store.compact(name, found, doc.mergedUpTo(2)))).toBe(true)
      expect(keysOf(await store.page(feed, 0, bounds))).toEqual(['m 3', 'r1 4', 'r1 5'])
      const compacted = await store.doc(name)
      expect(compacted).toMatchObject({ merged: 4, sequence: 5 })
      expect(readSlots(loadDoc(compacted?.states ?? [])).get('0')).toEqual(doc.last)
    })

    it('does not compact a doc that was replaced meanwhile', async () => {
      const doc = new DocWriter('r1')
      await store.commit([doc.begin()])
      await store.commit([doc.update(1)])
      const name = nameOf('r1')
      const found = await store.doc(name)
      const anew: Write = { ...new DocWriter('r1').begin(), seen: 2, epoch: { version: 1, number: 1 } }
      await store.commit([anew])
      expect(found && (await store.compact(name, found, doc.mergedUpTo(1)))).toBe(false)
      expect((await store.doc(name))?.states).toEqual([new Uint8Array(anew.bytes)])
    })

    it('finds everything again after it was closed and opened', async () => {
      const doc = new DocWriter('r1')
      await store.commit([doc.begin(), message('m')])
      await store.commit([doc.update(1)])
      await store.commit([{ ...head(0), feed: second }])
      const before = await store.page(feed, 0, bounds)
      store = await kind.reopen(store)
      expect(await store.page(feed, 0, bounds)).toEqual({ ...before, incarnation: store.incarnation() })
      expect((await store.commit([message('n'), { ...head(1, 1), feed: second }])).sequences).toEqual([4, 2])
    })

    it('[IN1] draws a new incarnation each time, and knows how far each feed came in each of them', async () => {
      const first = store.incarnation()
      await store.commit([message('a'), message('b'), { ...message('c'), feed: second }])
      expect(await store.headSince(feed, first, 2)).toBe(2)
      expect(await store.headSince(feed, first, 3)).toBeUndefined()
      expect(await store.headSince(second, first, 1)).toBe(1)
      expect(await store.headSince(second, first, 2)).toBeUndefined()
      store = await kind.reopen(store)
      const next = store.incarnation()
      expect(next).not.toBe(first)
      expect(Number.isSafeInteger(next)).toBe(true)
      await store.commit([message('c')])
      await store.commit([message('d')])
      expect(await store.headSince(feed, first, 2)).toBe(4)
      expect(await store.headSince(feed, first, 3)).toBeUndefined()
      expect(await store.headSince(feed, next, 4)).toBe(4)
      expect(await store.headSince(feed, next, 5)).toBeUndefined()
      expect(await store.headSince(second, next, 1)).toBe(1)
      store = await kind.reopen(store)
      await store.commit([{ ...message('d'), feed: second }])
      expect(await store.headSince(feed, first, 3)).toBeUndefined()
      expect(await store.headSince(feed, next, 4)).toBe(4)
      expect(await store.headSince(second, first, 1)).toBe(2)
      expect(await store.headSince(second, first, 2)).toBeUndefined()
      expect(await store.headSince(second, next, 2)).toBeUndefined()
      expect(await store.headSince(second, store.incarnation(), 2)).toBe(2)
      expect(await store.headSince(feed, store.incarnation() + 1, 0)).toBeUndefined()
    })

    it('[IN1] knows nothing but the start of a feed that has not been written', async () => {
      expect(await store.headSince(feed, store.incarnation(), 0)).toBe(0)
      expect(await store.headSince(feed, store.incarnation(), 1)).toBeUndefined()
    })

    it('[IN2] does not know, as an older copy, what came after the copy was made', async () => {
      const incarnation = store.incarnation()
      await store.commit([message('a')])
      const restore = await kind.backUp(store)
      store = await kind.reopen(store)
      const later = store.incarnation()
      await store.commit([message('b')])
      await store.close()
      store = await restore()
      expect(await store.headSince(feed, incarnation, 1)).toBeDefined()
      expect(await store.headSince(feed, incarnation, 2)).toBeUndefined()
      expect(await store.headSince(feed, later, 2)).toBeUndefined()
      expect(await store.headSince(feed, later, 1)).toBeUndefined()
      await store.commit([message('b'), message('c')])
      expect(await store.headSince(feed, incarnation, 2)).toBeUndefined()
      expect(await store.headSince(feed, store.incarnation(), 3)).toBeDefined()
    })

    it('[IN2] does not know, as an older copy, how far a feed came that is new since the copy', async () => {
      const incarnation = store.incarnation()
      const restore = await kind.backUp(store)
      store = await kind.reopen(store)
      await store.commit([message('a')])
      await store.close()
      store = await restore()
      expect(await store.headSince(feed, incarnation, 0)).toBeDefined()
      expect(await store.headSince(feed, incarnation, 1)).toBeUndefined()
      await store.commit([message('other'), message('others')])
      expect(await store.headSince(feed, incarnation, 1)).toBeUndefined()
      expect(await store.headSince(feed, store.incarnation(), 2)).toBeDefined()
    })

    it('reads, changes and keeps an invitation', async () => {
      const row = invitation('A', 1_000)
      expect(await store.changeInvitation(row.mailbox, (present) => (present ? undefined : row))).toEqual(row)
      expect(await store.changeInvitation(row.mailbox, () => undefined)).toEqual(row)
      const claims = [other, org].map((partner) =>
        store.changeInvitation(row.mailbox, (present) => (present && !present.partner ? { ...present, partner } : undefined)),
      )
      await Promise.all(claims)
      store = await kind.reopen(store)
      expect(await store.invitation(row.mailbox)).toEqual({ ...row, partner: other })
      expect(await store.invitation('B'.repeat(22))).toBeUndefined()
    })

    it('adds an invitation where its mailbox holds none, and its vendor fewer than it may', async () => {
      const [first, next, third] = ['A', 'B', 'C'].map((letter) => invitation(letter, 1_000)) as [Invitation, Invitation, Invitation]
      expect(await store.addInvitation(first, 2)).toEqual(first)
      expect(await store.addInvitation({ ...first, vendor: other, expires: 9 }, 2)).toEqual(first)
      expect(await store.addInvitation(next, 2)).toEqual(next)
      expect(await store.addInvitation(third, 2)).toBeUndefined()
      expect(await store.addInvitation(first, 2)).toEqual(first)
      expect(await store.invitation(third.mailbox)).toBeUndefined()
      expect(await store.addInvitation({ ...third, vendor: other }, 2)).toEqual({ ...third, vendor: other })
      await store.forgetInvitations(1_001)
      const many = Array.from('abcdefgh', (letter) => store.addInvitation(invitation(letter, 1_000), 3))
      expect((await Promise.all(many)).filter((kept) => kept !== undefined)).toHaveLength(3)
      expect(await store.stats()).toMatchObject({ invitations: 3 })
    })

    it('drops the feeds of ended invitations from the disk, and the invitations a while later', async () => {
      const [open, expired, ended] = [invitation('A', 5_000), invitation('B', 1_000), { ...invitation('C', 5_000), isVoid: true }]
      for (const row of [open, expired, ended]) {
        await store.changeInvitation(row.mailbox, () => row)
        await store.commit([{ ...message('hello'), feed: mailboxFeed(row) }])
      }
      expect([...(await store.endedInvitations(2_000))].sort()).toEqual([expired.mailbox, ended.mailbox])
      await store.dropFeeds([mailboxFeed(expired), mailboxFeed(ended)])
      expect(await store.endedInvitations(2_000)).toEqual([])
      expect((await store.page(mailboxFeed(expired), 0, bounds)).head).toBe(0)
      expect((await store.page(mailboxFeed(open), 0, bounds)).head).toBe(1)
      await store.forgetInvitations(2_000)
      expect(await store.invitation(expired.mailbox)).toBeUndefined()
      expect(await store.invitation(open.mailbox)).toEqual(open)
    })

    it('says that it can be written', async () => {
      expect(await store.isWritable()).toBe(true)
    })
  })
}
