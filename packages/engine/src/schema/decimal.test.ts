import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  addDecimals,
  compareDecimals,
  countDigits,
  isDecimal,
  normaliseDecimal,
  padDecimal,
  parseDecimal,
  roundDecimal,
} from './decimal.js'

/** A decimal and the same number as whole units of 10^-6, which is the model that the texts are held against. */
const decimals = fc.tuple(fc.bigInt({ min: -(10n ** 24n), max: 10n ** 24n }), fc.integer({ min: 0, max: 6 })).map(([units, scale]) => {
  const digits = String(units < 0n ? -units : units).padStart(scale + 1, '0')
  const split = digits.length - scale
  const text = `${units < 0n ? '-' : ''}${digits.slice(0, split)}${scale > 0 ? `.${digits.slice(split)}` : ''}`
  return { text, micros: units * 10n ** BigInt(6 - scale) }
})

function sign(number: number | bigint): number {
  return number > 0 ? 1 : number < 0 ? -1 : 0
}

describe('decimals obey the laws of numbers', () => {
  it('compare as the numbers they are', () => {
    fc.assert(
      fc.property(decimals, decimals, (a, b) => {
        expect(sign(compareDecimals(a.text, b.text))).toBe(sign(a.micros - b.micros))
      }),
      { numRuns: 500 },
    )
  })

  it('have one normal form for each number', () => {
    fc.assert(
      fc.property(decimals, fc.integer({ min: 0, max: 4 }), (a, zeros) => {
        const normal = normaliseDecimal(a.text)
        const padded = a.text.includes('.') ? a.text + '0'.repeat(zeros) : a.text
        expect(normaliseDecimal(padded)).toBe(normal)
        expect(normaliseDecimal(normal)).toBe(normal)
        expect(isDecimal(normal)).toBe(true)
        expect(compareDecimals(normal, a.text)).toBe(0)
        expect(normal).not.toMatch(/^-0$|^-?0\d|\.\d*0$/)
      }),
      { numRuns: 500 },
    )
  })

  it('add exactly', () => {
    fc.assert(
      fc.property(decimals, decimals, (a, b) => {
        expect(padDecimal(addDecimals(a.text, b.text), 6).replace('.', '')).toMatch(
          new RegExp(`^-?0*${String(a.micros + b.micros).replace('-', '')}$`),
        )
        expect(addDecimals(a.text, b.text)).toBe(addDecimals(b.text, a.text))
        expect(normaliseDecimal(addDecimals(addDecimals(a.text, b.text), b.text.startsWith('-') ? b.text.slice(1) : `-${b.text}`))).toBe(
          normaliseDecimal(a.text),
        )
      }),
    )
  })

  it('round to the nearest, never further than half a step, and leave rounded ones alone', () => {
    fc.assert(
      fc.property(decimals, fc.integer({ min: 0, max: 5 }), fc.constantFrom('halfEven' as const, 'halfUp' as const), (a, scale, way) => {
        const rounded = roundDecimal(a.text, scale, way)
        expect(countDigits(rounded).fraction).toBeLessThanOrEqual(scale)
        const micros = BigInt(padDecimal(rounded, 6).replace('.', ''))
        const distance = micros > a.micros ? micros - a.micros : a.micros - micros
        expect(distance * 2n <= 10n ** BigInt(6 - scale)).toBe(true)
        expect(roundDecimal(rounded, scale, way)).toBe(rounded)
      }),
      { numRuns: 500 },
    )
  })

  it('are read back from how people group them, in both worlds', () => {
    fc.assert(
      fc.property(decimals, fc.constantFrom('.' as const, ',' as const), (a, decimal) => {
        const normal = normaliseDecimal(a.text)
        const [integer = '', fraction] = normal.split('.')
        const grouped = integer.replace(/\B(?=(\d{3})+$)/g, decimal === '.' ? ',' : '.')
        const shown = fraction === undefined ? grouped : `${grouped}${decimal}${fraction}`
        expect(parseDecimal(shown, { decimal })).toBe(normal)
        expect(parseDecimal(normal.replace('.', decimal), { decimal })).toBe(normal)
      }),
    )
  })
})

describe('decimals, case by case', () => {
  it('ties go to the even digit, or away from zero where agreed', () => {
    expect(['0.5', '1.5', '2.5', '-2.5', '2.51'].map((text) => roundDecimal(text, 0))).toEqual(['0', '2', '2', '-2', '3'])
    expect(['0.5', '1.5', '2.5', '-2.5'].map((text) => roundDecimal(text, 0, 'halfUp'))).toEqual(['1', '2', '3', '-3'])
    expect(roundDecimal('9.995', 2)).toBe('10')
    expect(roundDecimal('0.004', 2)).toBe('0')
    expect(roundDecimal('-0.004', 2)).toBe('0')
  })

  it.each([
    '',
    '-',
    '.',
    '1e5',
    '1e999',
    'NaN',
    'Infinity',
    '0x10',
    '1,2,3',
    '12,34.5',
    '1.2.3',
    '--1',
    '-1-',
    '1 2',
    'abc',
    '9'.repeat(65),
  ])('does not read %j as a number', (text) => {
    expect(parseDecimal(text)).toBeUndefined()
  })

  it('reads minus signs of all kinds and brackets', () => {
    expect(['-5', '5-', '(5)', '\u22125', '- 5'].map((text) => parseDecimal(text))).toEqual(['-5', '-5', '-5', '-5', '-5'])
    expect(['+5', ' 5 ', '.5', '5.', '00.50'].map((text) => parseDecimal(text))).toEqual(['5', '5', '0.5', '5', '0.5'])
    expect(["1'234.5", '1 234.5', '1\u202f234.5', '12,34,567'].map((text) => parseDecimal(text))).toEqual([
      '1234.5',
      '1234.5',
      '1234.5',
      '1234567',
    ])
  })

  it('keeps what floats lose', () => {
    expect(addDecimals('0.1', '0.2')).toBe('0.3')
    expect(compareDecimals('9007199254740993', '9007199254740992')).toBeGreaterThan(0)
    expect(padDecimal('1054', 2)).toBe('1054.00')
    expect(padDecimal('1054.123', 2)).toBe('1054.123')
    expect(countDigits('-0.050')).toEqual({ integer: 0, fraction: 2 })
  })
})
