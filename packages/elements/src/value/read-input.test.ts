import { describe, expect, it } from 'vitest'
import { readNumber, showTypedNumber } from './read-input.js'
import { clipText, plainText } from './show-text.js'

describe('a number that a person typed', () => {
  it('is understood in the person’s language', () => {
    expect(readNumber('1,234.50', 'en')).toBe('1234.50')
    expect(readNumber('1.234,50', 'de')).toBe('1234.50')
    expect(readNumber(' 50 % ', 'en')).toBe('50')
    expect(readNumber('−12', 'en')).toBe('-12')
  })

  it.each([
    ['1 234,5', 'fr', '1234.5'],
    ['1\u202f234,5', 'fr', '1234.5'],
    ["1'234.50", 'de-CH', '1234.50'],
    ['1.234', 'de', '1234'],
    ['12.50', 'de', '12.50'],
    ['12,34,567.8', 'en-IN', '1234567.8'],
    ['١٬٢٣٤٫٥', 'ar-EG', '1234.5'],
    ['12345678901234567890.12', 'en', '12345678901234567890.12'],
    ['-1,234', 'en', '-1234'],
  ])('%s in %s is %s', (typed, language, number) => {
    expect(readNumber(typed, language)).toBe(number)
  })

  it.each([
    ['12,50', 'en'],
    ['1 234,5', 'en'],
    ['1,23', 'en'],
    ['1,2345', 'en'],
    ['1.23,4', 'en'],
    ['12.345,6,7', 'de'],
    ['1.2.3', 'de'],
    ['1,,234', 'en'],
  ])('%s in %s is no number, and never another one', (typed, language) => {
    expect(readNumber(typed, language)).toBe(typed)
  })

  it('is shown so that what is shown is read as the same number', () => {
    for (const language of ['en', 'de', 'fr', 'de-CH', 'en-IN', 'pl', 'sv'])
      for (const number of ['0', '-5.00', '1.234', '1234.5', '1234567', '0.001', '12345678901234567890.1'])
        expect(readNumber(showTypedNumber(number, language), language)).toBe(number)
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
