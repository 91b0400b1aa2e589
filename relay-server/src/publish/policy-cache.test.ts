import { parseConnectionId } from '@entente/protocol'
import { expect, it } from 'vitest'
import { PolicyCache } from './policy-cache.js'
import type { Store } from '../store/store.js'

const connection = parseConnectionId('A'.repeat(22))

/** A book over a store whose answers come when the test says so. */
function bookOf(): { readonly book: PolicyCache; readonly answers: (() => void)[] } {
  const answers: (() => void)[] = []
  const store: Partial<Store> = { controlEntry: () => new Promise((resolve) => answers.push(() => resolve(undefined))) }
  return { book: new PolicyCache(store as Store), answers }
}

it('keeps what was read, however many read it at once', async () => {
  const { book, answers } = bookOf()
  const first = book.load(connection)
  void book.load(connection)
  for (const answer of answers.slice(0, 2)) answer()
  await first
  expect(book.get(connection)).toBeDefined()
})

it('keeps nothing that was being read when it was forgotten, but what was asked for after', async () => {
  const { book, answers } = bookOf()
  const before = book.load(connection)
  book.forget(connection)
  const after = book.load(connection)
  for (const answer of answers.splice(0, 2)) answer()
  await before
  expect(book.get(connection)).toBeUndefined()
  for (const answer of answers) answer()
  await after
  expect(book.get(connection)).toBeDefined()
})
