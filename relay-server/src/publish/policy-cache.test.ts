import { parseConnectionId } from '@entente/protocol'
import { expect, it } from 'vitest'
import { PolicyCache } from './policy-cache.js'
import type { Store } from '../store/store.js'

const connection = parseConnectionId('A'.repeat(22))

/** A cache over a store whose answers come when the test says so. */
function cacheOf(): { readonly cache: PolicyCache; readonly answers: (() => void)[] } {
  const answers: (() => void)[] = []
  const store: Partial<Store> = { controlEntry: () => new Promise((resolve) => answers.push(() => resolve(undefined))) }
  return { cache: new PolicyCache(store as Store), answers }
}

it('keeps what was read, however many read it at once', async () => {
  const { cache, answers } = cacheOf()
  const first = cache.load(connection)
  void cache.load(connection)
  for (const answer of answers.slice(0, 2)) answer()
  await first
  expect(cache.get(connection)).toBeDefined()
})

it('keeps nothing that was being read when it was evicted, but what was asked for after', async () => {
  const { cache, answers } = cacheOf()
  const before = cache.load(connection)
  cache.evict(connection)
  const after = cache.load(connection)
  for (const answer of answers.splice(0, 2)) answer()
  await before
  expect(cache.get(connection)).toBeUndefined()
  for (const answer of answers) answer()
  await after
  expect(cache.get(connection)).toBeDefined()
})
