import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  entryOf,
  emptyVector,
  feedName,
  type Offer,
  type OrgId,
  parseConnectionId,
  parseMailboxId,
  parseOrgId,
  type RelayMessage,
} from '@entente/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Access } from '../auth/feed-access.js'
import { heldBytes, type Publisher } from './acknowledge.js'
import { fitToWait, GroupCommit } from './group-commit.js'
import { createLog } from '../log.js'
import { PolicyCache } from './policy-cache.js'
import { openLibsqlStore } from '../store/libsql/libsql.js'
import type { Commit, KeyName, Store, Write } from '../store/store.js'
import { controlEntryOf, docOffer, headOffer, offerOf } from '../testing/index.js'

const connection = parseConnectionId('A'.repeat(22))
const value = new Uint8Array([1])

describe('group commit', () => {
  let directory: string
  let store: Store
  let groupCommit: GroupCommit
  let fannedOut: Write[]
  /** Stands in the way of commits: each waits for it, and fails when it says so. */
  let gate: () => Promise<void>
  let transactions: number
  /** Commits that have come back from the store, and readings of keys that have begun and ended. */
  let committed: number
  let readingsBegun: number
  let readingsEnded: number
  /** Stands in the way of readings. */
  let reading: () => Promise<void>
  let accountOf: Store['account']

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'entente-batch-'))
    store = await openLibsqlStore(directory)
    fannedOut = []
    transactions = 0
    committed = 0
    readingsBegun = 0
    readingsEnded = 0
    gate = async () => {}
    reading = async () => {}
    accountOf = (org) => store.account(org)
    const gated: Store = Object.create(store, {
      commit: {
        value: async (writes: readonly Write[]): Promise<Commit> => {
          transactions++
          await gate()
          const commit = await store.commit(writes)
          committed++
          return commit
        },
      },
      keyStates: {
        value: async (names: readonly KeyName[]) => {
          readingsBegun++
          await reading()
          const states = await store.keyStates(names)
          readingsEnded++
          return states
        },
      },
      controlEntry: { value: store.controlEntry.bind(store) },
      page: { value: store.page.bind(store) },
      account: { value: (org: OrgId) => accountOf(org) },
    })
    const after = {
      isBusy: () => false,
      fanOut: (writes: readonly Write[]) => fannedOut.push(...writes),
      grown: () => {},
      measured: () => {},
    }
    groupCommit = new GroupCommit(
      gated,
      new PolicyCache(gated),
      after,
      { bytes: 0, docs: 0, connections: 0 },
      { publish: async () => {} },
      createLog('silent'),
    )
  })
  afterEach(async () => {
    await store.close()
    await rm(directory, { recursive: true, force: true })
  })

  const access = (side: 'vendor' | 'partner', topic: 'messages' | 'opportunity'): Access => {
    const feed = { kind: 'connection', connection, side, topic } as const
    return { name: feedName(feed), feed, writes: true, mailboxUntil: undefined }
  }
  const team: Access = {
    name: feedName({ kind: 'team', org: parseOrgId('a'.repeat(43)), topic: 'messages' }),
    feed: { kind: 'team', org: parseOrgId('a'.repeat(43)), topic: 'messages' },
    writes: true,
    mailboxUntil: undefined,
  }

  it('[PB3] puts all that comes in while a transaction is on its way into the next one', async () => {
    const heard = new Ear()
    let open = (): void => {}
    gate = () => new Promise((resolve) => (open = resolve))
    groupCommit.offer(heard, team, [heard.offer('a')])
    await expect.poll(() => transactions).toBe(1)
    for (const key of ['b', 'c', 'd']) groupCommit.offer(heard, team, [heard.offer(key)])
    await expect.poll(() => readingsEnded).toBe(2)
    expect(heard.said).toEqual([])
    gate = async () => {}
    open()
    await groupCommit.finished()
    expect(transactions).toBe(2)
    expect(heard.codes()).toEqual(['ok 1', 'ok 2,3,4'])
  })

  it('[AK1] answers UNAVAILABLE, and fans nothing out, when the disk takes nothing; goes on when it does again (row 33)', async () => {
    const heard = new Ear()
    let fail = (): void => {}
    gate = () => new Promise((_, reject) => (fail = () => reject(new Error('database or disk is full'))))
    groupCommit.offer(heard, team, [heard.offer('a')])
    await expect.poll(() => transactions).toBe(1)
    groupCommit.offer(heard, team, [heard.offer('b'), heard.offer('a')])
    await expect.poll(() => readingsEnded).toBe(2)
    fail()
    await groupCommit.finished()
    expect(heard.codes()).toEqual(['UNAVAILABLE 1', 'UNAVAILABLE 2', 'UNAVAILABLE 3'])
    expect(heard.said.every((message) => message.type === 'refused' && message.retryMs > 0)).toBe(true)
    expect(fannedOut).toEqual([])
    gate = async () => {}
    groupCommit.offer(heard, team, [heard.offer('a')])
    await groupCommit.finished()
    expect(heard.codes().at(-1)).toBe('ok 4')
  })

  it('[RS3] answers each offer once where another relay came first while the next offers were being read for', async () => {
    const heard = new Ear()
    let [open, read] = [(): void => {}, (): void => {}]
    gate = () => new Promise((resolve) => (open = resolve))
    groupCommit.offer(heard, team, [heard.offer('a')])
    await expect.poll(() => transactions).toBe(1)
    await store.commit([writeOf(team, heard.offer('a'))])
    reading = () => new Promise((resolve) => (read = resolve))
    groupCommit.offer(heard, team, [heard.offer('b'), heard.offer('c')])
    await expect.poll(() => readingsBegun).toBe(2)
    gate = async () => {}
    open()
    await expect.poll(() => committed).toBe(1)
    reading = async () => {}
    read()
    await groupCommit.finished()
    expect([...heard.codes()].sort()).toEqual(['BEHIND 1', 'ok 3,4'])
  })

  it('[HD1, RS3] judges no head again where another relay came first, since no head covers what its device has not read', async () => {
    const heard = new Ear()
    let open = (): void => {}
    gate = () => new Promise((resolve) => (open = resolve))
    groupCommit.offer(heard, team, [heard.make(headOffer(0))])
    await expect.poll(() => transactions).toBe(1)
    await store.commit([writeOf(team, heard.offer('a'))])
    gate = async () => {}
    open()
    await groupCommit.finished()
    expect(heard.codes()).toEqual(['BEHIND 1'])
    expect([transactions, readingsBegun]).toEqual([1, 1])
    // The head is no longer pending, and neither is its feed.
    groupCommit.offer(heard, team, [heard.make(headOffer(1))])
    await groupCommit.finished()
    expect(heard.codes()).toEqual(['BEHIND 1', 'ok 3'])
  })

  it('[AK1, HD1] answers that a head is late only once the entry that made it late is on the disk', async () => {
    const heard = new Ear()
    let open = (): void => {}
    gate = () => new Promise((resolve) => (open = resolve))
    groupCommit.offer(heard, team, [heard.offer('a')])
    await expect.poll(() => transactions).toBe(1)
    groupCommit.offer(heard, team, [heard.make(headOffer(0)), heard.offer('b')])
    await expect.poll(() => readingsEnded).toBe(2)
    expect(heard.codes()).toEqual([])
    gate = async () => {}
    open()
    await groupCommit.finished()
    expect(heard.codes()).toEqual(['ok 1', 'ok 3', 'BEHIND 2'])
  })

  it('[QU1] judges by the operator’s quota also where it changes while an offer is being read for', async () => {
    const heard = new Ear()
    await store.changeAccount(heard.org, { standing: 'allowed', quota: { docs: 1 } })
    groupCommit.offer(heard, team, [heard.offer('a')])
    await groupCommit.finished()
    let read = (): void => {}
    reading = () => new Promise((resolve) => (read = resolve))
    groupCommit.offer(heard, team, [heard.offer('b')])
    await expect.poll(() => readingsBegun).toBe(2)
    groupCommit.forgetAccounts()
    reading = async () => {}
    read()
    await groupCommit.finished()
    expect(heard.codes()).toEqual(['ok 1', 'QUOTA 2'])
  })

  it('[QU1] lets nobody else wait for an org whose offers go over its quota, and reads no more for many of them than for one', async () => {
    const [full, honest] = [new Ear(), new Ear(parseOrgId('b'.repeat(43)))]
    await store.changeAccount(full.org, { standing: 'allowed', quota: { docs: 1 } })
    let readings = 0
    reading = async () => void readings++
    const some = Array.from({ length: 100 }, (_, index) => full.offer(`k${index}`))
    groupCommit.offer(full, team, some)
    groupCommit.offer(honest, { ...team, name: feedName({ kind: 'team', org: honest.org, topic: 'messages' }) }, [honest.offer('b')])
    await groupCommit.finished()
    expect(honest.codes()).toEqual(['ok 1'])
    expect(full.codes()).toEqual(['ok 1', ...some.slice(1).map(({ id }) => `QUOTA ${id}`)])
    expect(readings).toBeLessThan(5)
  })

  it('[RL1] reads and judges nothing of a publisher that made it refuse too many (row 73)', async () => {
    const mallory = new Ear()
    mallory.overdrawnMs = 700
    groupCommit.offer(mallory, team, [mallory.offer('k1'), mallory.offer('k2')])
    await groupCommit.finished()
    expect(mallory.said).toMatchObject([1, 2].map((subject) => ({ type: 'refused', subject, code: 'RATE', retryMs: 700 })))
    expect([readingsBegun, mallory.waiting, mallory.refusals]).toEqual([0, 0, 0])
  })

  it('[QU1] counts what is on its way to the disk also where an account is read anew meanwhile', async () => {
    const heard = new Ear()
    await store.changeAccount(heard.org, { standing: 'allowed', quota: { docs: 3 } })
    let open = (): void => {}
    gate = () => new Promise((resolve) => (open = resolve))
    groupCommit.offer(
      heard,
      team,
      ['a', 'b'].map((key) => heard.offer(key)),
    )
    await expect.poll(() => transactions).toBe(1)
    groupCommit.offer(
      heard,
      team,
      ['c', 'd', 'e', 'f'].map((key) => heard.offer(key)),
    )
    await expect.poll(() => readingsEnded).toBe(3)
    gate = async () => {}
    open()
    await groupCommit.finished()
    expect(heard.codes()).toEqual(['ok 1,2', 'ok 3', 'QUOTA 4', 'QUOTA 5', 'QUOTA 6'])
    expect((await store.account(heard.org)).usage.docs).toBe(3)
  })

  it('[MB7] counts what is on its way into a mailbox also where its keys are counted anew meanwhile', async () => {
    const heard = new Ear()
    const feed = { kind: 'mailbox', mailbox: parseMailboxId('m'.repeat(22)), side: 'vendor' } as const
    const mailbox: Access = { name: feedName(feed), feed, writes: true, mailboxUntil: Date.now() + 60_000 }
    // Each of them with another that has seen what is not there.
    const some = Array.from({ length: 30 }, (_, index) => [heard.offer(`k${index}`), { ...heard.offer(`l${index}`), seen: 9 }]).flat()
    groupCommit.offer(heard, mailbox, some)
    await groupCommit.finished()
    expect((await store.page(mailbox.name, 0, { bytes: 1e9, entries: 1_000 })).entries).toHaveLength(16)
  })

  it('[RS5] keeps nothing of what was being read when the store was replaced by another copy', async () => {
    const heard = new Ear()
    await store.changeAccount(heard.org, { standing: 'allowed', quota: { docs: 1 } })
    let read: (() => void) | undefined
    const before = { ...(await store.account(heard.org)), usage: { bytes: 1, docs: 1, connections: 0 } }
    accountOf = async () => {
      await new Promise<void>((resolve) => (read = resolve))
      return before
    }
    groupCommit.offer(heard, team, [heard.offer('a')])
    await expect.poll(() => read).toBeDefined()
    groupCommit.forgetAll()
    accountOf = (org) => store.account(org)
    read?.()
    await groupCommit.finished()
    expect(heard.codes()).toEqual(['ok 1'])
  })

  it('stops, with all answered, however many go on offering', async () => {
    const heard = new Ear()
    const over = new AbortController()
    gate = () => new Promise((resolve) => setTimeout(resolve, 20))
    const offering = (async (): Promise<void> => {
      for (let index = 0; !over.signal.aborted; index++) {
        groupCommit.offer(heard, team, [heard.offer(`k${index}`)])
        await new Promise((resolve) => setTimeout(resolve, 1))
      }
    })()
    await expect.poll(() => transactions).toBeGreaterThan(1)
    const before = transactions
    await groupCommit.stop()
    over.abort()
    await offering
    expect(transactions - before).toBeLessThan(4)
    expect(heard.waiting).toBe(0)
    expect(heard.codes().some((code) => code.startsWith('UNAVAILABLE'))).toBe(true)
  })

  it('[PO3] forgets a policy that did not reach the disk', async () => {
    const heard = new Ear()
    const policy = (version: number): Uint8Array => controlEntryOf({ version, slots: { lead: [], opportunity: ['0'] } })
    for (const side of ['vendor', 'partner'] as const)
      groupCommit.offer(heard, access(side, 'messages'), [heard.make({ ...offerOf('policy', 'control', policy(1)) })])
    await groupCommit.finished()
    gate = () => Promise.reject(new Error('database or disk is full'))
    for (const side of ['vendor', 'partner'] as const)
      groupCommit.offer(heard, access(side, 'messages'), [heard.make({ ...offerOf('policy', 'control', policy(2)), seen: 1 })])
    groupCommit.offer(heard, access('vendor', 'opportunity'), [heard.make(docOffer('r1', value, 2))])
    await groupCommit.finished()
    gate = async () => {}
    groupCommit.offer(heard, access('vendor', 'opportunity'), [heard.make(docOffer('r1', value, 2)), heard.make(docOffer('r1', value, 1))])
    await groupCommit.finished()
    expect(heard.codes()).toEqual(['ok 1', 'ok 2', 'UNAVAILABLE 3', 'UNAVAILABLE 4', 'WAIT 5', 'WAIT 6', 'ok 7'])
  })

  it('[PB1] judges nothing by a policy that comes too late', async () => {
    const heard = new Ear()
    const policy = (version: number, seen: number): Offer =>
      heard.make({ ...offerOf('policy', 'control', controlEntryOf({ version, slots: { lead: [], opportunity: ['0'] } })), seen })
    groupCommit.offer(heard, access('partner', 'messages'), [policy(2, 0)])
    groupCommit.offer(heard, access('vendor', 'messages'), [policy(2, 0), policy(9, 0)])
    groupCommit.offer(heard, access('vendor', 'opportunity'), [heard.make(docOffer('r1', value, 2))])
    await groupCommit.finished()
    // Each policy lands before anything is judged by it.
    expect(heard.codes()).toEqual(['ok 1', 'ok 2', 'BEHIND 3', 'ok 4'])
  })

  it('lets nobody else wait for an org that registers its policy over and over', async () => {
    const [loud, honest] = [new Ear(), new Ear(parseOrgId('b'.repeat(43)))]
    const bytes = controlEntryOf({ version: 1, slots: { lead: [], opportunity: ['0'] } })
    const policies = Array.from({ length: 200 }, (_, index) => loud.make({ ...offerOf('policy', 'control', bytes), seen: index }))
    groupCommit.offer(loud, access('vendor', 'messages'), policies)
    groupCommit.offer(loud, team, [loud.offer('a')])
    groupCommit.offer(honest, { ...team, name: feedName({ kind: 'team', org: honest.org, topic: 'messages' }) }, [honest.offer('b')])
    let heardAt = 0
    honest.onSay = () => (heardAt = transactions)
    await groupCommit.finished()
    expect(honest.codes()).toEqual(['ok 1'])
    expect(heardAt).toBeLessThan(4)
    expect(transactions).toBe(200)
    expect(loud.codes().every((code) => code.startsWith('ok'))).toBe(true)
  })

  it('takes more than one transaction holds, in order', async () => {
    const heard = new Ear()
    groupCommit.offer(
      heard,
      team,
      Array.from({ length: 4_500 }, (_, index) => heard.offer(`k${index}`)),
    )
    await groupCommit.finished()
    // 512 in each, so that the next is judged and the last one's readers are served while one goes to the disk.
    expect(transactions).toBe(9)
    expect((await store.page(team.name, 0, { bytes: 1e9, entries: 10_000 })).entries.map((entry) => entryOf(entry).key)).toEqual(
      Array.from({ length: 4_500 }, (_, index) => `k${index}`),
    )
    expect(heard.waiting).toBe(0)
  })

  it('keeps no large frame for a small offer that waits, and copies nothing where a frame is all offers', () => {
    const heard = new Ear()
    const [small, large] = [new Uint8Array(200_000).subarray(100, 110), new Uint8Array(200_000).subarray(0, 150_000)]
    const of = (bytes: Uint8Array): Offer => heard.make({ ...offerOf('k', 'message'), bytes })
    const [kept] = fitToWait([of(small)])
    expect(kept?.bytes).toEqual(small)
    expect(kept?.bytes.buffer.byteLength).toBe(10)
    expect(fitToWait([of(large)])[0]?.bytes).toBe(large)
  })
})

function writeOf({ name }: Access, { key, kind, epoch, bytes }: Offer): Write {
  const owner = parseOrgId('a'.repeat(43))
  return {
    feed: name,
    key,
    owner,
    seen: 0,
    follows: undefined,
    given: [],
    connects: 0,
    kind,
    whole: true,
    epoch,
    bytes,
    vector: emptyVector,
  }
}

/** A publisher who writes down what it hears. */
class Ear implements Publisher {
  readonly org: OrgId
  readonly role = 'admin'
  readonly said: RelayMessage[] = []
  onSay = (): void => {}
  waiting = 0
  #ids = 0

  constructor(org = parseOrgId('a'.repeat(43))) {
    this.org = org
  }

  offer(key: string): Offer {
    return this.make(offerOf(key, 'message', value))
  }

  make(offer: Omit<Offer, 'id'>): Offer {
    const made = { id: ++this.#ids, ...offer }
    this.waiting += heldBytes(made)
    return made
  }

  send(message: RelayMessage): void {
    this.said.push(message)
    this.onSay()
  }

  sendAll(messages: readonly RelayMessage[]): void {
    for (const message of messages) this.send(message)
  }

  settled(bytes: number): void {
    this.waiting -= bytes
  }

  overdrawnMs = 0
  refusals = 0
  refused(offers: number): void {
    this.refusals += offers
  }

  codes(): readonly string[] {
    return this.said.map((message) =>
      message.type === 'accepted'
        ? `ok ${message.ids.join(',')}`
        : message.type === 'refused'
          ? `${message.code} ${message.subject}`
          : message.type,
    )
  }
}
