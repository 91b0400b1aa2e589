import { expect, test } from 'vitest'
import { browserClock, browserRandom } from './platform.js'

const turn = (call: () => void): (() => void) => browserClock.after(0, call)

test('each turn is a task of its own, in the order in which they were asked for', async () => {
  const seen: string[] = []
  await new Promise<void>((resolve) => {
    turn(() => {
      seen.push('first')
      queueMicrotask(() => seen.push('still the first'))
    })
    turn(() => seen.push('second'))
    turn(resolve)
  })
  expect(seen).toEqual(['first', 'still the first', 'second'])
})

test('a turn that is cancelled does not come, and holds no other up', async () => {
  const seen: string[] = []
  await new Promise<void>((resolve) => {
    const cancel = turn(() => seen.push('cancelled'))
    turn(() => seen.push('kept'))
    turn(resolve)
    cancel()
  })
  expect(seen).toEqual(['kept'])
})

test('a turn that asks for another one gets it', async () => {
  await expect(new Promise((resolve) => turn(() => void turn(() => resolve('came'))))).resolves.toBe('came')
})

test('random bytes are as many as asked for, and others each time', () => {
  for (const length of [1, 16, 32, 33, 1_000]) expect(browserRandom(length)).toHaveLength(length)
  const first = browserRandom(16)
  const kept = [...first]
  expect(browserRandom(16)).not.toEqual(first)
  expect([...first]).toEqual(kept)
})
