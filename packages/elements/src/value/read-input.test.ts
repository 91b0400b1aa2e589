import { describe, expect, it } from 'vitest'
import { readNumber } from './read-input.js'
import { clipText, plainText } from './show-text.js'

describe('a number that a person typed', () => {
  it('is understood in the person’s language', () => {
    expect(readNumber('1,234.50', 'en')).toBe('1234.50')
    expect(readNumber('1.234,50', 'de')).toBe('1234.50')
    expect(readNumber(' 50 % ', 'en')).toBe('50')
    expect(readNumber('−12', 'en')).toBe('-12')
  })

  it('is left alone where it is none, so that the engine can say why', () => {
    expect(readNumber('1e999', 'en')).toBe('1e999')
    expect(readNumber('twelve', 'en')).toBe('twelve')
  })
})

describe('a text from anywhere', () => {
  it('is cut without breaking a character', () => {
    expect(clipText('abcdef', 3)).toBe('abc…')
    expect(clipText('ab😀', 3)).toBe('ab…')
  })

  it('shows hidden characters, and leaves joiners where scripts need them (row 65)', () => {
    expect(plainText('invoice\u202egnp')).toBe('invoice⟨U+202E⟩gnp')
    expect(plainText('ad\u200dmin')).toBe('ad⟨U+200D⟩min')
    expect(plainText('می\u200cخواهم')).toBe('می\u200cخواهم')
    expect(plainText('👩\u200d🚀')).toBe('👩\u200d🚀')
  })
})
