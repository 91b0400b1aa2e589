import { feedName, parseOrgId } from '@entente/protocol'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { createLog } from './log.js'
import type { Watcher } from './store/store.js'
import { type WatchingRelay, watchStore } from './store-changes.js'

const feed = feedName({ kind: 'team', org: parseOrgId('a'.repeat(43)), topic: 'messages' })

let now = 0
let watcher: Watcher
let lookedAt: number[]
let isAway: boolean

beforeEach(() => {
  now = 0
  lookedAt = []
  isAway = false
  vi.spyOn(performance, 'now').mockImplementation(() => now)
  const feedGrew = async (): Promise<void> => {
    lookedAt.push(now)
    if (isAway) throw new Error('no answer')
  }
  const relay = { log: createLog('silent'), readers: { grew: () => {} }, gateway: { grew: async () => {} }, sessionRevoker: { feedGrew } }
  watcher = watchStore(relay as unknown as WatchingRelay)
})
afterEach(() => {
  vi.restoreAllMocks()
})

const grewAt = (at: number, head: number): Promise<void> => {
  now = at
  watcher.feedGrew(feed, head)
  // What failed is known to have failed after the promises of this turn.
  return new Promise((resolve) => setImmediate(resolve))
}

it('looks at a feed when it has grown, and else once in a while', async () => {
  await grewAt(0, 3)
  await grewAt(5_000, 3)
  await grewAt(5_001, 4)
  await grewAt(9_000, 4)
  // A head that went back is another one too.
  await grewAt(9_001, 3)
  await grewAt(69_000, 3)
  await grewAt(69_002, 3)
  expect(lookedAt).toEqual([0, 5_001, 9_001, 69_002])
})

it('looks again, when it is told the same head once more, where the look failed', async () => {
  isAway = true
  await grewAt(0, 3)
  isAway = false
  await grewAt(5_000, 3)
  await grewAt(10_000, 3)
  expect(lookedAt).toEqual([0, 5_000])
})
