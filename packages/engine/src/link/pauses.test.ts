import { feedName, parseConnectionId, parseKey } from '@entente/protocol'
import { describe, expect, it } from 'vitest'
import { ManualClock } from '../testing/clock.js'
import { Pauses } from './pauses.js'

const feed = feedName({ kind: 'connection', connection: parseConnectionId('A'.repeat(22)), side: 'vendor', topic: 'opportunity' })
const [first, second] = [parseKey('r1'), parseKey('r2')]

describe('what a refusal keeps back', () => {
  const start = (): { clock: ManualClock; pauses: Pauses; free: () => boolean[] } => {
    const clock = new ManualClock()
    /** Each time that sending is tried again: which of the two keys may go. */
    const tried: boolean[] = []
    const pauses: Pauses = new Pauses(clock, () => tried.push(![first, second].some((key) => pauses.isPaused(feed, key))))
    return { clock, pauses, free: () => tried }
  }

  it('goes again once the last of several pauses has run out, each of which began a little later', () => {
    const { clock, pauses, free } = start()
    for (let times = 0; times < 3; times++) {
      pauses.pauseAll(2_000)
      clock.advance(2)
    }
    clock.advance(60_000)
    expect(free().at(-1)).toBe(true)
  })

  it('goes again after a longer pause that began while a shorter one was pending', () => {
    const { clock, pauses, free } = start()
    pauses.pauseKey(feed, first)
    pauses.pauseFeed(feed)
    pauses.pauseKey(feed, second)
    clock.advance(4_999)
    expect(free().at(-1)).not.toBe(true)
    clock.advance(1)
    expect(free().at(-1)).toBe(true)
  })

  it('lets one key wait that is offered again and again, and no other', () => {
    const { clock, pauses, free } = start()
    let sent = 0
    while (!pauses.isPaused(feed, first)) {
      pauses.offered(feed, first)
      pauses.resumeKey(feed, first)
      sent++
    }
    expect(sent).toBe(50)
    expect(pauses.isPaused(feed, second)).toBe(false)
    clock.advance(9_999)
    expect(free()).toEqual([])
    clock.advance(1)
    expect(free()).toEqual([true])
  })

  it('wakes nobody for what is blocked, and not again after all has run out', () => {
    const { clock, pauses, free } = start()
    pauses.blockKey(feed, first)
    pauses.pauseKey(feed, second)
    clock.advance(3_600_000)
    expect(free()).toEqual([false])
    expect(clock.untilNext()).toBeUndefined()
    pauses.unblockKey(first)
    expect(pauses.isPaused(feed, first)).toBe(false)
  })
})
