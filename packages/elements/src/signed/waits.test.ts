import { expect, it } from 'vitest'
import { Waits } from './waits.js'

it('takes some seconds without a signature as usual, and begins again with each signature', () => {
  const waits = new Waits()
  const isLong = (signedAt: number | undefined, now: number): boolean => waits.isLong('mirror', { state: 'waiting', signedAt }, now)
  expect([isLong(1, 0), isLong(1, 30_000), isLong(1, 50_000)]).toEqual([false, false, true])
  expect([isLong(2, 60_000), isLong(2, 90_000), isLong(2, 110_000)]).toEqual([false, false, true])
  expect(waits.isLong('mirror', { state: 'signed', signedAt: 3 }, 120_000)).toBe(false)
  expect([isLong(3, 130_000), isLong(3, 175_000)]).toEqual([false, true])
})
