import {
  compactDoc,
  createDoc,
  emptyVector,
  feedName,
  loadDoc,
  parseConnectionId,
  parseKey,
  parseOrgId,
  readSlots,
  vectorOfDoc,
  writeSlots,
  zeroEpoch,
} from '@entente/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Invitation, Page, Store, Write } from './store.js'

/** One kind of store under test. `reopen` closes the present store and opens the same data again. */
export interface StoreUnderTest {
  open(): Promise<Store>
  reopen(store: Store): Promise<Store>
  /** Puts the present data aside and returns what puts it back, as an operator with a backup would; the store is closed meanwhile. */
  backUp(store: Store): Promise<() => Promise<Store>>
  cleanUp(): Promise<void>
}

const org = parseOrgId('a'.repeat(43))
const other = parseOrgId('b'.repeat(43))
const feed = feedName({ kind: 'team', org, topic: 'rows' })
const second = feedName({ kind: 'team', org, topic: 'messages' })
const bounds = { bytes: 64 * 1024, entries: 1_000 }
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

/** The suite that every adapter of the store interface passes (the guarantees of its comment). */
export function describeStore(name: string, create: () => StoreUnderTest): void {
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
      expect(commit.position).toBe(3)
      expect(store.position()).toBe(3)
      expect((await store.commit([message('d')])).sequences).toEqual([3])
    })

    it('writes nothing for a write that comes too late, and all others of its batch', async () => {
      await store.commit([message('a')])
      const commit = await store.commit([message('b'), message('a'), message('a', 1), message('a', 1), message('c', 7)])
      expect(commit.sequences).toEqual([2, 0, 3, 0, 0])
      expect(commit.position).toBe(3)
      expect(keysOf(await store.page(feed, 0, bounds))).toEqual(['b 2', 'a 3'])
    })

    it('shows merged states, later updates, messages and tombstones at their sequences', async () => {
      const doc = new DocWriter('r1')
      await store.commit([doc.begin(), message('m'), doc.update(1), doc.update(3)])
      await store.commit([{ ...message('m', 2), kind: 'erased', bytes: new Uint8Array() }])
      const page = await store.page(feed, 0, bounds)
      expect(page).toMatchObject({ head: 5, position: 5, done: true })
      expect(page.entries.map((entry) => [entry.sequence, entry.key, entry.kind, entry.whole])).toEqual([
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
        } while (!page.done)
        expect(seen).toEqual(Array.from({ length: 134 }, (_, index) => index + 1))
      }
    })

    it('tells the last entry of keys, its epoch and its vector', async () => {
      const doc = new DocWriter('r1')
      await store.commit([doc.begin()])
      const update = doc.update(1)
      await store.commit([update])
      const [known, unknown] = await store.keyStates([
        { feed, key: parseKey('r1') },
        { feed: second, key: parseKey('r1') },
      ])
      expect(known).toMatchObject({ sequence: 2, kind: 'doc', epoch: { version: 1, number: 0 } })
      expect([...(known?.vector ?? [])]).toEqual([...update.vector])
      expect(unknown).toBeUndefined()
    })

    it('gives the bytes of messages and notices, and of nothing else', async () => {
      await store.commit([
        { ...message('policy'), kind: 'notice', bytes: bytes('p') },
        { ...message('gone'), kind: 'erased' },
      ])
      expect(await store.message({ feed, key: parseKey('policy') })).toEqual(new Uint8Array(bytes('p')))
      expect(await store.message({ feed, key: parseKey('gone') })).toBeUndefined()
      expect(await store.message({ feed, key: parseKey('never') })).toBeUndefined()
    })

    it('compacts a doc to one state at its last sequence, and takes updates that came meanwhile for tail', async () => {
      const doc = new DocWriter('r1')
      await store.commit([doc.begin()])
      expect((await store.commit([doc.update(1), message('m')])).tails).toEqual([1, 0])
      expect((await store.commit([doc.update(2)])).tails).toEqual([2])
      const name = { feed, key: parseKey('r1') }
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
      const name = { feed, key: parseKey('r1') }
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
      const before = await store.page(feed, 0, bounds)
      store = await kind.reopen(store)
      expect(await store.page(feed, 0, bounds)).toEqual(before)
      expect(store.position()).toBe(3)
      expect((await store.commit([message('n')])).sequences).toEqual([4])
    })

    it('[OP1] draws a new opening each time, and knows what each of them reached', async () => {
      const first = store.opening
      await store.commit([message('a'), message('b')])
      expect(await store.knows(first, 2)).toBe(true)
      expect(await store.knows(first, 3)).toBe(false)
      store = await kind.reopen(store)
      expect(store.opening).not.toBe(first)
      await store.commit([message('c')])
      expect(await store.knows(first, 2)).toBe(true)
      expect(await store.knows(first, 3)).toBe(false)
      expect(await store.knows(store.opening, 3)).toBe(true)
      expect(await store.knows(store.opening + 1, 0)).toBe(false)
      expect(Number.isSafeInteger(store.opening)).toBe(true)
    })

    it('[OP2] does not know, as an older copy, what came after the copy was made', async () => {
      const { opening } = store
      await store.commit([message('a')])
      const restore = await kind.backUp(store)
      store = await kind.reopen(store)
      const later = store.opening
      await store.commit([message('b')])
      await store.close()
      store = await restore()
      expect(await store.knows(opening, 1)).toBe(true)
      expect(await store.knows(opening, 2)).toBe(false)
      expect(await store.knows(later, 2)).toBe(false)
      expect(await store.knows(later, 1)).toBe(false)
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

function message(key: string, seen = 0): Write {
  return { feed, key: parseKey(key), seen, kind: 'message', whole: true, epoch: zeroEpoch, bytes: bytes(key), vector: emptyVector }
}

function invitation(letter: string, expires: number): Invitation {
  return {
    mailbox: letter.repeat(22),
    vendor: org,
    partner: undefined,
    claimHash: new Uint8Array(32).fill(7),
    expires,
    wrongTries: 0,
    isVoid: false,
  }
}

function mailboxFeed(row: Invitation): Write['feed'] {
  return feedName({ kind: 'connection', connection: parseConnectionId(row.mailbox), side: 'vendor', topic: 'messages' })
}

function keysOf(page: Page): readonly string[] {
  return page.entries.map((entry) => `${entry.key} ${entry.sequence}`)
}

/** A doc and the writes of its owner. */
class DocWriter {
  readonly #key: string
  readonly #states: Uint8Array[] = []
  last = new Uint8Array()

  constructor(key: string) {
    this.#key = key
  }

  begin(): Write {
    this.last = new Uint8Array(bytes('0'))
    this.#states.push(createDoc(new Map([['0', this.last]]), 1))
    return this.#write(0, true)
  }

  update(seen: number): Write {
    this.last = new Uint8Array(bytes(String(this.#states.length)))
    this.#states.push(writeSlots(loadDoc(this.#states, 1_000 + this.#states.length), new Map([['0', this.last]])))
    return this.#write(seen, false)
  }

  mergedUpTo(updates: number): Uint8Array {
    return compactDoc(this.#states.slice(0, updates + 1))
  }

  #write(seen: number, whole: boolean): Write {
    const update = this.#states.at(-1) ?? new Uint8Array()
    const vector = vectorOfDoc(compactDoc(this.#states))
    return { feed, key: parseKey(this.#key), seen, kind: 'doc', whole, epoch: { version: 1, number: 0 }, bytes: update, vector }
  }
}
