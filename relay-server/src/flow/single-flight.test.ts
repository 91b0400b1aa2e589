import { expect, it } from 'vitest'
import { SingleFlight } from './single-flight.js'

it('does what is asked for one at a time, and once more for all who asked meanwhile', async () => {
  const ends: (() => void)[] = []
  const rounds = new SingleFlight(() => new Promise<void>((resolve) => ends.push(resolve)))
  const first = rounds.ask('a')
  await Promise.all([rounds.ask('a'), rounds.ask('a')])
  const other = rounds.ask('b')
  expect(ends).toHaveLength(2)
  ends.shift()?.()
  await expect.poll(() => ends.length).toBe(2)
  for (const end of ends) end()
  await Promise.all([first, other])
  expect(ends).toHaveLength(2)
})

it('goes on for those who asked meanwhile where a round fails, and tells of the failure', async () => {
  let count = 0
  const rounds = new SingleFlight(async () => {
    await Promise.resolve()
    if (++count === 1) throw new Error('the store is away')
  })
  const first = rounds.ask('a')
  await rounds.ask('a')
  await expect(first).rejects.toThrow('away')
  expect(count).toBe(2)
  await rounds.ask('a')
  expect(count).toBe(3)
})
