import { describe, expect, it } from 'vitest'
import type { FieldMapping } from '../api/index.js'
import { findField, standardLead } from '../schema/schema.js'
import { canonicalHash, canonicalJson } from './canonical.js'
import { effectiveAgreement } from './narrow-proposal.js'
import type { AcceptanceTerms, ProposalTerms } from './agreement-terms.js'

const fields = standardLead.fields
const propose = (names: readonly string[], updates: readonly string[]): ProposalTerms => ({
  version: 3,
  objects: {
    Lead: {
      fields: names
        .flatMap((name) => findField(standardLead, name) ?? [])
        .map((field) => ({ field, update: updates.includes(field.name) })),
    },
  },
})
const accept = (proposal: ProposalTerms, lines: readonly FieldMapping[]): AcceptanceTerms => ({
  version: proposal.version,
  proposal: canonicalHash(proposal),
  objects: { Lead: { fields: [...lines], targets: fields.filter(({ name }) => lines.some(({ target }) => target === name)) } },
})
const line = (source: string, update: boolean, target = source): FieldMapping => ({ source, target, update })

describe('the effective agreement', () => {
  it('holds what both sides want, each under the slot that the proposal gave it', () => {
    const proposal = propose(['LastName', 'Email', 'Phone', 'City'], ['LastName', 'Email', 'Phone'])
    const result = effectiveAgreement(proposal, accept(proposal, [line('Phone', true), line('Email', false), line('City', true)]))
    if (!result.ok) throw new Error(result.message)
    // City was proposed to travel once, so the partner's wish alone does not make it flow.
    expect(result.agreement.objects.Lead?.fields.map(({ vendor, slot }) => [vendor.name, slot])).toEqual([
      ['Phone', '2'],
      ['Email', undefined],
      ['City', undefined],
    ])
  })

  it.each([
    ['a field that was not proposed', [line('Fax', false)]],
    ['a field that is mapped twice', [line('Email', false), line('Email', false, 'City')]],
    ['a target that is filled twice', [line('Email', false, 'City'), line('Phone', false, 'City')]],
    ['a pair that cannot be', [line('Email', false, 'DoNotCall')]],
  ])('refuses %s', (_, lines) => {
    const proposal = propose(['Email', 'Phone'], [])
    expect(effectiveAgreement(proposal, accept(proposal, lines))).toMatchObject({ ok: false, code: 'INVALID' })
  })

  it('refuses an acceptance of another proposal of the same version', () => {
    const proposal = propose(['Email'], [])
    expect(effectiveAgreement(proposal, { ...accept(proposal, [line('Email', false)]), proposal: 'other' })).toMatchObject({ ok: false })
  })

  it('[AG4] lets copies be passed on where the proposal says so, and by nothing else', () => {
    const proposed = propose(['Email'], []).objects.Lead ?? { fields: [] }
    const passOnBy = (passOn?: boolean) => {
      const proposal: ProposalTerms = { version: 3, objects: { Lead: { ...proposed, ...(passOn !== undefined && { passOn }) } } }
      const acceptance = accept(proposal, [line('Email', false)])
      const eager = { ...acceptance, objects: { Lead: { ...acceptance.objects.Lead, passOn: true } } } as AcceptanceTerms
      const results = [acceptance, eager].map((terms) => effectiveAgreement(proposal, terms))
      return results.map((result) => result.ok && result.agreement.objects.Lead?.passOn)
    }
    expect(passOnBy(true)).toEqual([true, true])
    for (const silent of [false, undefined]) expect(passOnBy(silent)).toEqual([undefined, undefined])
  })

  it('refuses an eleventh update field (row 58)', () => {
    const names = fields.slice(0, 11).map(({ name }) => name)
    const proposal = propose(names, names)
    expect(effectiveAgreement(proposal, accept(proposal, []))).toMatchObject({ ok: false, code: 'TOO_MANY' })
  })
})

describe('the canonical form', () => {
  it('does not depend on the order of names, and leaves out what is undefined', () => {
    expect(canonicalJson({ b: 1, a: { d: undefined, c: [true, null] } })).toBe('{"a":{"c":[true,null]},"b":1}')
    expect(canonicalHash({ a: 1, b: 2 })).toBe(canonicalHash({ b: 2, a: 1 }))
  })
})
