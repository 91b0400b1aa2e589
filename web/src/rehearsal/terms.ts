import type { Acceptance, Engine, FieldMapping, ObjectName, ProposedField, Proposal } from '@entente/engine'
import { partnerMapping } from '@entente/engine/sample'

/** The vendor's proposal in the rehearsal: its fields, and which of them keep flowing. */
const offered: Readonly<Record<ObjectName, Readonly<Record<string, boolean>>>> = {
  Opportunity: {
    Name: false,
    AccountName: false,
    Amount: true,
    CloseDate: true,
    StageName: true,
    NextStep: true,
    OwnerName: false,
    Product_Line__c: false,
  },
  Lead: { FirstName: false, LastName: false, Company: false, Email: true, Phone: true, Status: true, Rating: true },
}

export function vendorProposal(vendor: Engine): Proposal {
  const fields = (object: ObjectName): readonly ProposedField[] =>
    vendor.records.schema(object).fields.flatMap((field) => {
      const update = offered[object][field.name]
      return update === undefined ? [] : [{ field, update }]
    })
  return { objects: { Opportunity: { fields: fields('Opportunity') }, Lead: { fields: fields('Lead') } } }
}

/** The partner accepts the proposed fields that its mapping has a place for: other labels, its own stages, one text cut. */
export function partnerAcceptance(proposal: Proposal): Acceptance {
  const objects: Record<string, { readonly fields: readonly FieldMapping[] }> = {}
  for (const object of ['Opportunity', 'Lead'] as const) {
    const offers = new Map((proposal.objects[object]?.fields ?? []).map(({ field, update }) => [field.name, update]))
    const fields = partnerMapping(object).flatMap((line) => {
      const { source } = line
      const update = source === undefined ? undefined : offers.get(source)
      return source === undefined || update === undefined ? [] : [{ ...line, source, update }]
    })
    if (fields.length > 0) objects[object] = { fields }
  }
  return { objects }
}
