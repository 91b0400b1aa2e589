import { expect, it } from 'vitest'
import { TokenBucket } from './token-bucket.js'

it('[RL1] lets a burst through, then as much as flows in, and says when to come back', () => {
  const bucket = new TokenBucket(100, 50, 0)
  expect(bucket.take(50, 0)).toBe(0)
  expect(bucket.take(10, 0)).toBe(100)
  expect(bucket.take(10, 99)).toBeGreaterThan(0)
  expect(bucket.take(10, 100)).toBe(0)
})

it('[RL1] keeps nothing beyond its capacity, and gives nothing for a clock that was set back', () => {
  const bucket = new TokenBucket(100, 50, 1_000)
  expect(bucket.take(50, 100_000)).toBe(0)
  expect(bucket.take(1, 50_000)).toBeGreaterThan(0)
  expect(bucket.take(1, 50_010)).toBe(0)
})

it('[RL1] lets through what is larger than itself only when it is full, and lets it be paid for afterwards', () => {
  const bucket = new TokenBucket(100, 50, 0)
  expect(bucket.take(150, 0)).toBe(0)
  expect(bucket.take(1, 500)).toBeGreaterThan(0)
  expect(bucket.take(1, 1_010)).toBe(0)
  expect(bucket.take(150, 1_100)).toBeGreaterThan(0)
})
