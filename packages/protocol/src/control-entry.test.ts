import { encodeUtf8 } from 'lib0/string'
import { describe, expect, it } from 'vitest'
import {
  decodeControlEntry,
  decodePolicy,
  encodeControlEntry,
  encodePolicy,
  joinPolicies,
  type Policy,
  slotsOf,
  takesBack,
} from './control-entry.js'

const policy = (version: number, lead: string[], opportunity: string[] = []): Policy => ({ version, slots: { lead, opportunity } })

describe('a policy', () => {
  it('is read again as it was written', () => {
    const given = policy(3, ['0', '9'], ['1'])
    expect(decodePolicy(encodePolicy(given))).toEqual(given)
    expect(decodePolicy(encodePolicy({ ...given, ended: true }))).toEqual({ ...given, ended: true })
  })

  it('[PO1] with an eleventh slot, or a slot that is none, is refused with FIELD (row 16)', () => {
    const eleven = Array.from({ length: 11 }, (_, slot) => String(slot % 10))
    for (const slots of [eleven, ['10'], ['a'], ['']]) {
      expect(() => decodePolicy(encodePolicy(policy(1, slots)))).toThrow(expect.objectContaining({ code: 'FIELD' }))
    }
  })

  it('[PO1] with a seventeenth topic, or one that holds no docs, is refused with FIELD', () => {
    const named = (...topics: string[]): Uint8Array =>
      encodePolicy({ version: 1, slots: Object.fromEntries(topics.map((topic) => [topic, ['0']])) })
    const sixteen = Array.from({ length: 16 }, (_, index) => `t${index}`)
    expect(Object.keys(decodePolicy(named(...sixteen)).slots)).toEqual(sixteen)
    for (const topics of [[...sixteen, 'one-more'], ['messages'], ['Lead'], ['']])
      expect(() => decodePolicy(named(...topics))).toThrow(expect.objectContaining({ code: 'FIELD' }))
    expect(() => decodePolicy(encodeUtf8('{"version":1,"slots":{"__proto__":["0"]}}'))).toThrow(expect.objectContaining({ code: 'FIELD' }))
  })

  it('[PO1] may name a topic as every object inherits a property, and names no slot of one that it leaves out', () => {
    const given = decodePolicy(encodeUtf8('{"version":1,"slots":{"constructor":["0"]}}'))
    expect(slotsOf(given, 'constructor')).toEqual(['0'])
    expect(slotsOf(policy(1, ['0']), 'constructor')).toEqual([])
    const joined = joinPolicies(given, policy(1, ['0']))
    expect(joined && [slotsOf(joined, 'constructor'), slotsOf(joined, 'lead')]).toEqual([[], []])
  })

  it('[PO9] allows no slot that either side has withdrawn', () => {
    const given: Policy = { ...policy(2, ['0', '1', '2'], ['3']), withdrawn: { lead: ['1'] } }
    expect(decodePolicy(encodePolicy(given))).toEqual(given)
    expect([slotsOf(given, 'lead'), slotsOf(given, 'opportunity')]).toEqual([['0', '2'], ['3']])
    const theirs: Policy = { ...policy(2, ['0', '1', '2'], ['3']), withdrawn: { lead: ['2'], opportunity: ['3'] } }
    expect(joinPolicies(given, theirs)).toEqual(policy(2, ['0'], []))
    for (const withdrawn of ['{"lead":["10"]}', '{"messages":["0"]}', '[]'])
      expect(() => decodePolicy(encodeUtf8(`{"version":1,"slots":{},"withdrawn":${withdrawn}}`))).toThrow(
        expect.objectContaining({ code: 'FIELD' }),
      )
  })

  it('[PO9] takes a withdrawal back where one of the same version no longer names it', () => {
    const before: Policy = { ...policy(2, ['0', '1']), withdrawn: { lead: ['1'] } }
    expect(takesBack(before, { ...before, withdrawn: { lead: ['0', '1'], opportunity: ['3'] } })).toBe(false)
    expect(takesBack(before, { ...before, withdrawn: { lead: ['0'], opportunity: ['1'] } })).toBe(true)
    expect(takesBack(before, policy(2, ['0', '1']))).toBe(true)
    expect(takesBack(policy(2, ['0', '1']), before)).toBe(false)
    expect(takesBack(before, policy(3, ['0', '1']))).toBe(false)
  })

  it.each(['', 'no json', '{}', '{"version":-1,"slots":{"lead":[],"opportunity":[]}}', '[1]'])('that is none is refused: %s', (text) => {
    expect(() => decodePolicy(encodeUtf8(text))).toThrow(expect.objectContaining({ name: 'ProtocolError' }))
  })

  it('[PO2] joins with the other side’s to the slots of both, once both have the same version', () => {
    expect(joinPolicies(policy(2, ['0', '1'], ['3']), policy(2, ['1', '2'], ['3']))).toEqual(policy(2, ['1'], ['3']))
    expect(joinPolicies(policy(2, ['0']), policy(1, ['0']))).toBeUndefined()
    expect(joinPolicies(policy(2, ['0']), undefined)).toBeUndefined()
    expect(joinPolicies(policy(2, ['0']), { ...policy(2, ['0']), ended: true })).toBeUndefined()
  })
})

it('[CE1] a control entry is its public copy and a seal, and bytes without a copy are none', () => {
  const parts = { copy: encodeUtf8('{"version":1}'), seal: new Uint8Array([0, 7, 9]) }
  const bytes = encodeControlEntry(parts)
  expect([...bytes]).toEqual([13, ...parts.copy, ...parts.seal])
  expect(decodeControlEntry(bytes)).toEqual(parts)
  for (const broken of [[], [9, 1], [0x80], [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]])
    expect(() => decodeControlEntry(new Uint8Array(broken))).toThrow(expect.objectContaining({ code: 'FRAME' }))
})
