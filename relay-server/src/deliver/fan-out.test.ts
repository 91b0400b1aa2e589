import { feedName, parseConnectionId, parseKey, zeroEpoch } from '@entente/protocol'
import { expect, it } from 'vitest'
import type { Access } from '../auth/feed-access.js'
import { CatchUp } from './catch-up.js'
import { type Reader, Readers, type Subscription } from './fan-out.js'
import { Metrics } from '../observe/metrics.js'
import type { Page, Store, Write } from '../store/store.js'
import { TimeSlices } from './time-slices.js'

const feed = { kind: 'connection', connection: parseConnectionId('A'.repeat(22)), side: 'vendor', topic: 'messages' } as const
const access: Access = { name: feedName(feed), feed, writes: false, mailboxUntil: undefined }

/** A feed of messages, as long as it is said to be, and two who may read it. */
class Room {
  head = 5
  readonly read: number[] = []
  readonly lost: number[] = []
  readonly readers: Readers
  readonly catchUp: CatchUp
  #reading = 0

  constructor() {
    const page = async (after: number): Promise<Page> => {
      this.read.push(after)
      // What a read finds is what there was when it began.
      const { head } = this
      this.#reading++
      await new Promise((resolve) => setTimeout(resolve, 1))
      this.#reading--
      const entries = Array.from({ length: Math.max(0, head - after) }, (_, index) => ({
        sequence: after + index + 1,
        key: parseKey(`k${after + index + 1}`),
        kind: 'message' as const,
        whole: true,
        epoch: zeroEpoch,
        bytes: new Uint8Array([1]),
      }))
      return { entries, head, incarnation: 1, done: true }
    }
    const metrics = new Metrics()
    this.readers = new Readers((_, after) => page(after), metrics)
    const store: Partial<Store> = { page: (_, after) => page(after) }
    const asker = { lose: (subscription: Subscription) => this.#lose(subscription), readFailed: () => {}, caughtUp: () => {} }
    this.catchUp = new CatchUp(
      { store: store as Store, readers: this.readers, timeSlices: new TimeSlices(4, 4), metrics },
      this.#reader,
      asker,
    )
  }

  enter(number: number): Subscription {
    const subscription = { number, access, reader: this.#reader, cursor: 0, head: 0, live: false, ended: false }
    this.readers.add(subscription)
    this.catchUp.follow(subscription)
    return subscription
  }

  /** @param head of the feed, as the store said it when it was asked */
  comeBack(number: number, cursor: number, head: number): Subscription {
    const subscription = { number, access, reader: this.#reader, cursor, head: cursor, live: false, ended: false }
    this.readers.add(subscription)
    this.catchUp.follow(subscription, head)
    return subscription
  }

  /** Resolves when nothing is being read, and nothing begins to be for some turns of the loop. */
  async rest(): Promise<void> {
    for (let quiet = 0; quiet < 5; quiet = this.#reading > 0 ? 0 : quiet + 1) await new Promise((resolve) => setImmediate(resolve))
  }

  #lose(subscription: Subscription): void {
    this.readers.remove(subscription)
    this.lost.push(subscription.number)
  }

  readonly #reader: Reader = {
    say: () => {},
    sayEncoded: () => {},
    follow: (subscription) => this.catchUp.follow(subscription),
    dismiss: () => {},
    isBusy: false,
    isFull: false,
    drained: async () => {},
  }
}

it('[IN2] tells a reader that a feed went back, rather than page on to where it no longer reaches', async () => {
  const room = new Room()
  const vera = room.enter(1)
  await expect.poll(() => vera.live).toBe(true)
  room.head = 2
  room.enter(2)
  await expect.poll(() => room.lost).toEqual([2])
  expect(room.read).toEqual([0, 0])
})

it('[RS5] reads a store that was replaced like one that was just opened', async () => {
  const room = new Room()
  const vera = room.enter(1)
  await expect.poll(() => vera.live).toBe(true)
  room.head = 2
  room.readers.forgetAll()
  const paul = room.enter(2)
  await expect.poll(() => paul.live).toBe(true)
  expect([vera.live, vera.ended, paul.cursor]).toEqual([false, true, 2])
  room.readers.remove(vera)
  room.head = 3
  room.readers.grew(access.name, 3)
  await expect.poll(() => paul.cursor).toBe(3)
})

/** What Vera committed at this relay: plain updates under these sequences. */
const updates = (...sequences: number[]): Parameters<Readers['fanOut']> => {
  const write = (sequence: number) => ({
    feed: access.name,
    key: parseKey(`k${sequence}`),
    kind: 'doc' as const,
    whole: false,
    epoch: zeroEpoch,
    bytes: new Uint8Array([1]),
  })
  return [sequences.map(write) as unknown as readonly Write[], { incarnation: 1, sequences, tails: [], accounts: [] }]
}

it('[CU1] answers with nothing where nothing came, without reading', async () => {
  const room = new Room()
  const vera = room.enter(1)
  await expect.poll(() => vera.live).toBe(true)
  room.head = 7
  room.readers.fanOut(...updates(6, 7))
  const paul = room.comeBack(2, 7, 7)
  await expect.poll(() => paul.live).toBe(true)
  expect([paul.cursor, room.read]).toEqual([7, [0]])
})

it('[CU3] reads on where a feed has grown while its subscription waited, and loses nobody for it', async () => {
  const room = new Room()
  room.enter(1)
  const paul = room.comeBack(2, 5, 5)
  // In the same step, so that he waits behind the first: committed here, with nobody live.
  room.head = 6
  room.readers.fanOut(...updates(6))
  await expect.poll(() => paul.live).toBe(true)
  expect([paul.cursor, room.lost]).toEqual([6, []])
  expect(room.read).toContain(5)
})

it('[RS2] reads on where a feed has grown at other hands while its subscription waited', async () => {
  const room = new Room()
  const vera = room.enter(1)
  await expect.poll(() => vera.live).toBe(true)
  room.head = 7
  room.readers.fanOut(...updates(6, 7))
  room.readers.remove(vera)
  // Behind one that is being read.
  room.readers.remove(room.enter(3))
  const paul = room.comeBack(2, 7, 7)
  room.head = 8
  room.readers.grew(access.name, 8)
  await expect.poll(() => paul.live).toBe(true)
  expect([paul.cursor, room.read]).toEqual([8, [0, 0, 7]])
})

it.each(['here', 'elsewhere'])('[RS2] reads on where a feed grew %s while its last growth was being read', async (where) => {
  const room = new Room()
  const vera = room.enter(1)
  await expect.poll(() => vera.live).toBe(true)
  room.head = 6
  room.readers.grew(access.name, 6)
  room.head = 7
  if (where === 'here') room.readers.fanOut(...updates(7))
  else room.readers.grew(access.name, 7)
  await expect.poll(() => vera.cursor).toBe(7)
})

it('[RS2] gives the live readers what another found to have come when it caught up', async () => {
  const room = new Room()
  const vera = room.enter(1)
  await expect.poll(() => vera.live).toBe(true)
  room.head = 7
  const paul = room.enter(2)
  await expect.poll(() => [paul.cursor, vera.cursor]).toEqual([7, 7])
})

it('[RS2] does not read for ever where a feed is said to have grown to where it does not reach', async () => {
  const room = new Room()
  const vera = room.enter(1)
  await expect.poll(() => vera.live).toBe(true)
  room.readers.grew(access.name, 8)
  await room.rest()
  expect([vera.cursor, room.read]).toEqual([5, [0, 5]])
})

it('reads nothing for those who left while they waited', async () => {
  const room = new Room()
  const all = Array.from({ length: 40 }, (_, index) => room.enter(index))
  for (const subscription of all) room.readers.remove(subscription)
  await room.rest()
  expect(room.read.length).toBeLessThanOrEqual(16)
})
