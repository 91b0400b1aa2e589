import { parseConnectionId, parseKey, parseOrgId } from '@entente/protocol'
import vectors from '@entente/protocol/vectors/decisions.json' with { type: 'json' }
import rosters from '@entente/protocol/vectors/roster.json' with { type: 'json' }
import { compactVerify, importJWK } from 'jose'
import { decodeUtf8 } from 'lib0/string'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import type { AgreedField, EffectiveAgreement } from '../api/index.js'
import { decisionType } from '../identity/decision.js'
import { findField, standardLead } from '../schema/schema.js'
import { mapIdOfAdopted } from '../share/listing-id.js'
import { adoptionKey, adoptionTerms, isOfParties, joinAdoptions } from './adoption.js'
import { objectNames } from './narrow-proposal.js'
import { growWithdrawal, withdrawalKey, withdrawalTerms, withoutWithdrawn } from './withdrawal.js'

const { withdrawals, adoptions, tokens } = vectors
const connection = parseConnectionId(vectors.connection)
const [vendor, partner] = [parseOrgId(vectors.vendor), parseOrgId(vectors.partner)]
const withdrawal = (terms: unknown) => (terms === null ? undefined : v.parse(withdrawalTerms, terms))
const adoption = (terms: unknown) => v.parse(adoptionTerms, terms)

const { version, slots, fields } = withdrawals.agreement
const agreed = (object: 'Lead' | 'Opportunity', slot?: string): AgreedField => {
  const name = slot === undefined ? 'Name' : (fields[object][slots[object].indexOf(slot)] ?? '')
  const field = findField(standardLead, 'Email')
  if (!field) throw new Error('no field')
  const vendor = { ...field, name }
  return { vendor, partner: vendor, slot, mapping: { source: name, target: name, update: slot !== undefined } }
}
const agreement: EffectiveAgreement = {
  version,
  hash: 'hash',
  objects: {
    Lead: { fields: [...slots.Lead.map((slot) => agreed('Lead', slot)), agreed('Lead')], owner: 'Vera' },
    Opportunity: { fields: slots.Opportunity.map((slot) => agreed('Opportunity', slot)) },
  },
}

describe('the vectors of decisions', () => {
  it.each(tokens)('[SD1, WD1, RA1] hold for a signed $type', async ({ type, token, terms }) => {
    const key = await importJWK({ kty: 'OKP', crv: 'Ed25519', x: rosters.keys.vera.x }, 'EdDSA')
    const { payload, protectedHeader } = await compactVerify(token, key, { algorithms: ['EdDSA'] })
    expect(protectedHeader).toEqual({ alg: 'EdDSA', typ: decisionType(type), kid: rosters.keys.vera.thumbprint })
    const claims: unknown = JSON.parse(decodeUtf8(payload))
    expect(claims).toMatchObject({ connection, iss: vendor, by: 'vera' })
    expect(v.parse(type === 'withdrawal' ? withdrawalTerms : adoptionTerms, claims)).toEqual(terms)
  })

  it.each(withdrawals.flows)('[WD2, WD4] hold for what flows where $name', ({ vendor: ours, partner: theirs, flows }) => {
    const taken = [withdrawal(ours), withdrawal(theirs)].filter((each) => each !== undefined)
    const left = withoutWithdrawn(agreement, taken)
    const slotsOf = (name: (typeof objectNames)[number]): (string | undefined)[] =>
      (left.objects[name]?.fields ?? []).flatMap(({ slot }) => slot ?? [])
    expect(Object.fromEntries(objectNames.map((name) => [name, slotsOf(name)]))).toEqual(flows)
    // What travels once stays, and so does everything that both sides signed.
    expect(left.objects.Lead?.fields.at(-1)?.slot).toBeUndefined()
    expect(left).toMatchObject({ version, hash: 'hash', objects: { Lead: { owner: 'Vera' } } })
  })

  it.each(withdrawals.grown)('[WD2, WD4] hold for what a side has withdrawn after $name', ({ known, arrived, grown }) => {
    expect(growWithdrawal(withdrawal(known), v.parse(withdrawalTerms, arrived))).toEqual(grown)
  })

  it('[WD1] hold for its key', () => {
    expect(parseKey(withdrawalKey)).toBe('withdrawal')
  })

  it.each(withdrawals.refused)('[WD1] hold for a withdrawal that is refused: $name', ({ terms }) => {
    expect(v.safeParse(withdrawalTerms, terms).success).toBe(false)
  })

  it.each(adoptions.joined)('[RA1] hold where $name', ({ vendor: ours, partner: theirs, joined }) => {
    expect(joinAdoptions(adoption(ours), adoption(theirs)) ?? null).toEqual(joined)
    expect(isOfParties(adoption(ours), vendor, partner, connection)).toBe(true)
    expect(adoptionKey(adoption(ours).from)).toBe(`adoption.${adoptions.from}`)
  })

  it.each(adoptions.refused)('[RA1] hold for an adoption that is refused: $name', ({ terms }) => {
    expect(v.safeParse(adoptionTerms, terms).success).toBe(false)
  })

  it.each(adoptions.strangers)('[RA1, F3] hold for an adoption that is of no earlier connection: $name', ({ terms }) => {
    expect(isOfParties(adoption(terms), vendor, partner, connection)).toBe(false)
  })

  it.each(adoptions.maps)('[RA2] hold for the record map $map', ({ map, adopted }) => {
    const named = { id: connection, secret: vectors.secret }
    expect(mapIdOfAdopted(named, parseConnectionId(adoptions.from), parseKey(map))).toBe(adopted)
  })

  it('[RA1] bound an adoption to a thousand record maps', () => {
    const maps = Array.from({ length: 1_001 }, (_, index) => `map-${index}`)
    const terms = { from: adoptions.from, salt: adoptions.fromSalt, flows: true }
    expect(v.safeParse(adoptionTerms, { ...terms, maps: maps.slice(1) }).success).toBe(true)
    expect(v.safeParse(adoptionTerms, { ...terms, maps }).success).toBe(false)
  })
})
