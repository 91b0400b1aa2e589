import { encodeUtf8 } from 'lib0/string'
import { describe, expect, it } from 'vitest'
import vectors from '../vectors/policies.json' with { type: 'json' }
import { decodePolicy, encodePolicy, joinPolicies, type Policy, slotsOf, takesBack } from './control-entry.js'

const policyOf = (text: string): Policy => decodePolicy(encodeUtf8(text))

describe('the vectors of policies', () => {
  it.each(vectors.accepted)('[PO1, PO9] hold for $name', ({ text, slots }) => {
    const policy = policyOf(text)
    expect(encodePolicy(policy)).toEqual(encodeUtf8(text))
    for (const [topic, names] of Object.entries(slots)) expect(slotsOf(policy, topic), topic).toEqual(names)
  })

  it.each(vectors.refused)('[PO1, PO9] hold for what is refused with $code: $name', ({ text, code }) => {
    expect(() => policyOf(text)).toThrow(expect.objectContaining({ name: 'ProtocolError', code }))
  })

  it.each(vectors.joined)('[PO2, PO5, PO9] hold where $name', ({ vendor, partner, joined }) => {
    const both = joinPolicies(policyOf(vendor), partner === null ? undefined : policyOf(partner))
    if (joined === null) expect(both).toBeUndefined()
    else for (const [topic, names] of Object.entries(joined)) expect(both && slotsOf(both, topic), topic).toEqual(names)
  })

  it.each(vectors.takesBack)('[PO9] hold for $name', ({ before, policy, takesBack: expected }) => {
    expect(takesBack(policyOf(before), policyOf(policy))).toBe(expected)
  })
})
