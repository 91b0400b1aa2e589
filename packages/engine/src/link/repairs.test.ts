import { expect, it } from 'vitest'
import { ManualClock } from '../testing/clock.js'
import { Repairs } from './repairs.js'

const hour = 60 * 60 * 1000

it('[AN2] lets the first repair pass at once, and each one after it wait longer, at most an hour', () => {
  const clock = new ManualClock()
  const repairs = new Repairs(clock)
  const pauses = Array.from({ length: 14 }, () => repairs.next('feed#key'))
  expect(pauses.slice(0, 5)).toEqual([0, 1_000, 2_000, 4_000, 8_000])
  expect(pauses.at(-1)).toBe(hour)
  expect(repairs.next('feed#other')).toBe(0)
  clock.advance(3 * hour)
  expect(repairs.next('feed#key')).toBe(0)
})
