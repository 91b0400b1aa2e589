import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Register, type Row, setRegister } from './row.js'
import { mayHave, rowWrite, storedRow } from './stored-row.js'

/** What a store gives back for a row that was put into it. */
function stored(row: Row): Row | undefined {
  const write = rowWrite(row)
  return 'put' in write ? storedRow(structuredClone(write.value)) : undefined
}

const byField = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1)

describe('a row in the store', () => {
  it('comes out as it went in, whatever its fields are called and hold', () => {
    const stamp = fc.tuple(fc.nat(5), fc.nat(2), fc.nat(2))
    const value = fc.jsonValue({ maxDepth: 3 }).map((plain) => JSON.parse(JSON.stringify(plain)) as Register[1])
    const fields = fc.array(fc.tuple(fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', '_deleted')), stamp, value))
    fc.assert(
      fc.property(fields, (all) => {
        const registers: Record<string, Register> = {}
        for (const [field, at, content] of all) setRegister(registers, field, [at, content])
        const row = { object: 'Lead', id: 'one', registers }
        const found = stored(row)
        expect([found?.object, found?.id]).toEqual(['Lead', 'one'])
        expect(Object.entries(found?.registers ?? {}).toSorted(byField)).toEqual(Object.entries(registers).toSorted(byField))
      }),
    )
  })

  it('tells without being read that it lacks a register', () => {
    const [stamp, says] = [[1, 0, 0] as const, 'Says "_deleted", and means it']
    const rowOf = (registers: Row['registers']): Row =>
      stored({ object: 'Lead', id: 'one', registers }) ?? { object: '', id: '', registers }
    expect(mayHave(rowOf({ Name: [stamp, says] }), '_deleted')).toBe(false)
    expect(mayHave(rowOf({ Name: [stamp, 'Ada'], _importedBy: [stamp, 'you'] }), '_deleted')).toBe(false)
    expect(mayHave(rowOf({ _deleted: [stamp, false] }), '_deleted')).toBe(true)
  })
})
