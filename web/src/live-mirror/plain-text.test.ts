import { expect, it } from 'vitest'
import { plainText } from './plain-text.js'

it('shows hidden characters by their number, and leaves joiners where scripts need them (row 65)', () => {
  expect(plainText('invoice\u202egnp')).toBe('invoice⟨U+202E⟩gnp')
  expect(plainText('zero\u200bwidth')).toBe('zero⟨U+200B⟩width')
  expect(plainText('می\u200cخواهم')).toBe('می\u200cخواهم')
  expect(plainText('👩\u200d🚀')).toBe('👩\u200d🚀')
})

it('clips a name of 100,000 characters without breaking one (row 66)', () => {
  expect(plainText('a'.repeat(100_000))).toBe(`${'a'.repeat(2_000)}…`)
  expect(plainText('ab😀', 3)).toBe('ab…')
})
