import { feedName, parseConnectionId, parseKey, zeroEpoch } from '@entente/protocol'
import { expect, it } from 'vitest'
import type { Access } from '../auth/feed-access.js'
import { CatchUp } from './catch-up.js'
import { WithdrawnSlots } from './withdrawn-slots.js'
import { PolicyCache } from '../publish/policy-cache.js'
import { type FeedReader, FeedReaders, type Subscription } from './fan-out.js'
import { Metrics } from '../observe/metrics.js'
import type { Page, Store, Write } from '../store/store.js'
import { Burden } from '../flow/burden.js'
import { TimeSlices } from '../flow/time-slices.js'

const feed = { kind: 'connection', connection: parseConnectionId('A'.repeat(22)), side: 'vendor', topic: 'messages' } as const
const access: Access = { name: feedName(feed), feed, writes: false, mailboxUntil: undefined }

/** A feed of messages, as long as it is said to be, and two who may read it. */
class Scene {
  head = 5
  /** Whether reads of the feed fail. */
  fails = false
  /** Whether others wait for a turn of the relay's thread. */
  isBusy = false
  /** How many entries a page may have, read by read. */
  readonly sizes: number[] = []
  readonly read: number[] = []
  readonly lost: number[] = []
  readonly readers: FeedReaders
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
      if (this.fails) throw new Error('the store is away')
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
    this.readers = new FeedReaders((_, after) => page(after), metrics)
    const store: Partial<Store> = {
      page: (_, after, { entries }) => {
        this.sizes.push(entries)
        return page(after)
      },
    }
    const owner = {
      lose: (subscription: Subscription) => this.#lose(subscription),
      readFailed: () => {},
      pageRead: () => {},
      caughtUp: () => {},
    }
    const withdrawnSlots = new WithdrawnSlots(store as Store, new PolicyCache(store as Store))
    this.catchUp = new CatchUp(
      {
        store: store as Store,
        readers: this.readers,
        timeSlices: new TimeSlices(4, 4),
        isBusy: () => this.isBusy,
        withdrawnSlots,
        metrics,
      },
      this.#reader,
      owner,
    )
  }

  enter(number: number): Subscription {
    const subscription = { number, access, reader: this.#reader, cursor: 0, head: 0, live: false, ended: false, isAgain: false }
    this.readers.add(subscription)
    this.catchUp.follow(subscription)
    return subscription
  }

  /** @param head of the feed, as the store said it when it was asked */
  comeBack(number: number, cursor: number, head: number): Subscription {
    const subscription = { number, access, reader: this.#reader, cursor, head: cursor, live: false, ended: false, isAgain: false }
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

  readonly #reader: FeedReader = {
    send: () => {},
    sendEncoded: () => {},
    follow: (subscription) => this.catchUp.follow(subscription),
    dismiss: () => {},
    burden: new Burden(),
    isBusy: false,
    isFull: false,
    drained: async () => {},
  }
}

it('[IN2] tells a reader that a feed went back, rather than page on to where it no longer reaches', async () => {
  const scene = new Scene()
  const vera = scene.enter(1)
  await expect.poll(() => vera.live).toBe(true)
  scene.head = 2
  scene.enter(2)
  await expect.poll(() => scene.lost).toEqual([2])
  expect(scene.read).toEqual([0, 0])
})

it('[RL5] reads little at a time for a reader who catches up while anybody else waits for a turn', async () => {
  const scene = new Scene()
  const vera = scene.enter(1)
  await expect.poll(() => vera.live).toBe(true)
  scene.isBusy = true
  const paul = scene.enter(2)
  await expect.poll(() => paul.live).toBe(true)
  const [quiet = 0, busy = 0] = scene.sizes
  expect(scene.sizes).toHaveLength(2)
  expect(busy).toBeLessThan(quiet / 10)
})

it('[RS5] reads a store that was replaced like one that was just opened', async () => {
  const scene = new Scene()
  const vera = scene.enter(1)
  await expect.poll(() => vera.live).toBe(true)
  scene.head = 2
  scene.readers.forgetAll()
  const paul = scene.enter(2)
  await expect.poll(() => paul.live).toBe(true)
  expect([vera.live, vera.ended, paul.cursor]).toEqual([false, true, 2])
  scene.readers.remove(vera)
  scene.head = 3
  scene.readers.grew(access.name, 3)
  await expect.poll(() => paul.cursor).toBe(3)
})

/** What Vera committed at this relay: plain updates under these sequences. */
const updates = (...sequences: number[]): Parameters<FeedReaders['fanOut']> => {
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
  const scene = new Scene()
  const vera = scene.enter(1)
  await expect.poll(() => vera.live).toBe(true)
  scene.head = 7
  scene.readers.fanOut(...updates(6, 7))
  const paul = scene.comeBack(2, 7, 7)
  await expect.poll(() => paul.live).toBe(true)
  expect([paul.cursor, scene.read]).toEqual([7, [0]])
})

it('[CU3] reads on where a feed has grown while its subscription waited, and loses nobody for it', async () => {
  const scene = new Scene()
  scene.enter(1)
  const paul = scene.comeBack(2, 5, 5)
  // In the same step, so that he waits behind the first: committed here, with nobody live.
  scene.head = 6
  scene.readers.fanOut(...updates(6))
  await expect.poll(() => paul.live).toBe(true)
  expect([paul.cursor, scene.lost]).toEqual([6, []])
  expect(scene.read).toContain(5)
})

it('[RS2] reads on where a feed has been written by another relay while its subscription waited', async () => {
  const scene = new Scene()
  const vera = scene.enter(1)
  await expect.poll(() => vera.live).toBe(true)
  scene.head = 7
  scene.readers.fanOut(...updates(6, 7))
  scene.readers.remove(vera)
  // Behind one that is being read.
  scene.readers.remove(scene.enter(3))
  const paul = scene.comeBack(2, 7, 7)
  scene.head = 8
  scene.readers.grew(access.name, 8)
  await expect.poll(() => paul.live).toBe(true)
  expect([paul.cursor, scene.read]).toEqual([8, [0, 0, 7]])
})

it.each(['here', 'elsewhere'])('[RS2] reads on where a feed grew %s while its last growth was being read', async (where) => {
  const scene = new Scene()
  const vera = scene.enter(1)
  await expect.poll(() => vera.live).toBe(true)
  scene.head = 6
  scene.readers.grew(access.name, 6)
  scene.head = 7
  if (where === 'here') scene.readers.fanOut(...updates(7))
  else scene.readers.grew(access.name, 7)
  await expect.poll(() => vera.cursor).toBe(7)
})

it('[RS2] lets its readers catch up at once where a read fails, though the feed goes on growing meanwhile', async () => {
  const scene = new Scene()
  const vera = scene.enter(1)
  await expect.poll(() => vera.live).toBe(true)
  scene.fails = true
  scene.read.length = 0
  // Grows all the while: she is let go by the first read that fails, not after some more of them.
  for (let head = 6; vera.live && scene.read.length < 4; head++) {
    scene.readers.grew(access.name, (scene.head = head))
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(vera.live).toBe(false)
  scene.fails = false
  scene.catchUp.follow(vera)
  await expect.poll(() => [vera.live, vera.cursor]).toEqual([true, scene.head])
})

it('[RS2] gives the live readers what another found to have come when it caught up', async () => {
  const scene = new Scene()
  const vera = scene.enter(1)
  await expect.poll(() => vera.live).toBe(true)
  scene.head = 7
  const paul = scene.enter(2)
  await expect.poll(() => [paul.cursor, vera.cursor]).toEqual([7, 7])
})

it('[RS2] does not read for ever where a feed is said to have grown to where it does not reach', async () => {
  const scene = new Scene()
  const vera = scene.enter(1)
  await expect.poll(() => vera.live).toBe(true)
  scene.readers.grew(access.name, 8)
  await scene.rest()
  expect([vera.cursor, scene.read]).toEqual([5, [0, 5]])
})

it('reads nothing for those who left while they waited', async () => {
  const scene = new Scene()
  const all = Array.from({ length: 40 }, (_, index) => scene.enter(index))
  for (const subscription of all) scene.readers.remove(subscription)
  await scene.rest()
  expect(scene.read.length).toBeLessThanOrEqual(16)
})
