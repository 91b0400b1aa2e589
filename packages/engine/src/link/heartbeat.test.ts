import { describe, expect, it } from 'vitest'
import { ManualClock } from '../testing/clock.js'
import { Backoff } from './backoff.js'
import { Heartbeat } from './heartbeat.js'

describe('a line', () => {
  it('[HB1] is asked when it is silent, and given up when the answer takes as long again', () => {
    const clock = new ManualClock()
    const said: string[] = []
    const heartbeat = new Heartbeat(
      clock,
      15_000,
      () => said.push('ping'),
      () => said.push('gone'),
    )
    clock.advance(14_000)
    heartbeat.hear()
    clock.advance(15_000)
    expect(said).toEqual([])
    clock.advance(1_000)
    expect(said).toEqual(['ping'])
    heartbeat.hear()
    clock.advance(15_000)
    expect(said).toEqual(['ping'])
    clock.advance(30_000)
    expect(said).toEqual(['ping', 'ping', 'gone'])
    clock.advance(100_000)
    expect(said).toHaveLength(3)
  })

  it('is dialled again after a random part of a time that doubles, up to half a minute', () => {
    const longest = new Backoff((length) => new Uint8Array(length).fill(255))
    const waits = Array.from({ length: 9 }, () => longest.next())
    expect(waits.slice(0, 3)).toEqual([499, 999, 1999])
    expect(Math.max(...waits)).toBeLessThanOrEqual(30_000)
    longest.reset()
    expect(longest.next()).toBe(499)
    expect(new Backoff((length) => new Uint8Array(length)).next()).toBe(0)
  })
})
