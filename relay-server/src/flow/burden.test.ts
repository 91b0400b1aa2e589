import { expect, it } from 'vitest'
import { Burden } from './burden.js'

it('[RL5] counts what was used lately: the half of it two seconds later', () => {
  const burden = new Burden(0, 0)
  burden.add(80, 0)
  expect([burden.lately(0), burden.lately(2_000), burden.lately(8_000)]).toEqual([80, 40, 5])
  burden.add(10, 2_000)
  expect(burden.lately(2_000)).toBe(50)
  burden.atLeast(20, 2_000)
  expect(burden.lately(2_000)).toBe(50)
  burden.atLeast(70, 2_000)
  expect(burden.lately(2_000)).toBe(70)
})
