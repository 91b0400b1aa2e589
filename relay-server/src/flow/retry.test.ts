import { afterEach, expect, it, vi } from 'vitest'
import { retry } from './retry.js'

afterEach(() => vi.useRealTimers())

it('tries again what failed, less and less often, until it is done or half a minute is over', async () => {
  vi.useFakeTimers()
  const [failures, tried]: [unknown[], number[]] = [[], []]
  const start = Date.now()
  const failing = (left: number) => async (): Promise<void> => {
    tried.push(Date.now() - start)
    if (tried.length <= left) throw new Error(`no answer ${tried.length}`)
  }
  retry(failing(2), (error) => failures.push(error))
  await vi.advanceTimersByTimeAsync(60_000)
  expect(tried).toEqual([0, 1_000, 3_000])
  expect(failures).toHaveLength(2)
  tried.length = 0
  retry(failing(100), () => {})
  await vi.advanceTimersByTimeAsync(600_000)
  expect(tried).toHaveLength(6)
})
