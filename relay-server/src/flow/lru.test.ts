import { expect, it } from 'vitest'
import { LruMap } from './lru.js'

it('keeps what was used lately, and not much more', () => {
  const map = new LruMap<number, string>(100)
  for (let index = 0; index < 1_000; index++) {
    map.set(index, `value ${index}`)
    expect(map.get(7)).toBe(index >= 7 ? 'value 7' : undefined)
  }
  const kept = Array.from({ length: 1_000 }, (_, index) => index).filter((index) => map.get(index) !== undefined)
  expect(kept.length).toBeGreaterThanOrEqual(100)
  expect(kept.length).toBeLessThanOrEqual(202)
  expect(kept).toContain(7)
  expect(kept).toContain(999)
})

it('forgets what is taken out, in use or not', () => {
  const map = new LruMap<string, number>(1)
  map.set('a', 1)
  map.set('b', 2)
  map.set('b', 3)
  map.delete('a')
  map.delete('b')
  expect([map.get('a'), map.get('b')]).toEqual([undefined, undefined])
  map.set('c', 4)
  map.clear()
  expect(map.get('c')).toBeUndefined()
})
