import { limits } from '@entente/protocol'
import type { AgreedField, EffectiveAgreement, ObjectName } from '../api/index.js'
import type { EngineErrorCode } from '../error.js'
import { compareFields } from '../schema/compare-fields.js'
import { canonicalHash } from './canonical.js'
import type { AcceptanceTerms, ProposalTerms } from './agreement-terms.js'

export type EffectiveResult =
  | { readonly ok: true; readonly agreement: EffectiveAgreement }
  | { readonly ok: false; readonly code: Extract<EngineErrorCode, 'INVALID' | 'TOO_MANY'>; readonly message: string }

export const objectNames: readonly ObjectName[] = ['Lead', 'Opportunity']

/**
 * The intersection of a proposal and its acceptance, computed alike on both sides (rule AG3): the fields that the partner mapped, each with its slot where
 * both sides let it keep flowing. The order of the proposal's update fields gives the slots, so the acceptance cannot move them.
 */
export function effectiveAgreement(proposal: ProposalTerms, acceptance: AcceptanceTerms): EffectiveResult {
  const refusal = refuseProposal(proposal)
  if (refusal) return refusal
  if (acceptance.version !== proposal.version || acceptance.proposal !== canonicalHash(proposal)) {
    return invalid('The acceptance is of another version of the proposal. Accept the present one.')
  }
  const objects: { -readonly [Name in ObjectName]?: NonNullable<EffectiveAgreement['objects'][Name]> } = {}
  for (const object of objectNames) {
    const accepted = acceptance.objects[object]
    if (!accepted) continue
    const proposed = proposal.objects[object]
    if (!proposed) return invalid(`The acceptance names ${object}, which was not proposed. Leave it out.`)
    const slots = slotsByField(proposed.fields)
    const targets = new Map(accepted.targets.map((field) => [field.name, field]))
    const fields: AgreedField[] = []
    for (const mapping of accepted.fields) {
      const vendor = proposed.fields.find(({ field }) => field.name === mapping.source)?.field
      const partner = targets.get(mapping.target)
      if (!vendor) return invalid(`The acceptance maps ${mapping.source}, which was not proposed. Leave it out.`)
      if (!partner) return invalid(`The acceptance does not describe its field ${mapping.target}. Accept again.`)
      if (fields.some((field) => field.vendor.name === mapping.source)) return invalid(`${mapping.source} is mapped twice. Map it once.`)
      if (fields.some((field) => field.partner.name === mapping.target))
        return invalid(`${mapping.target} is filled twice. Give it one source.`)
      const { verdict, reason } = compareFields(vendor, partner, mapping)
      if (verdict === 'blocked') return invalid(`${mapping.source} cannot fill ${mapping.target}: ${reason}`)
      fields.push({ vendor, partner, slot: mapping.update ? slots.get(mapping.source) : undefined, mapping })
    }
    const { defaults, owner = proposed.owner } = accepted
    const passOn = proposed.passOn === true
    objects[object] = { fields, ...(owner === undefined ? {} : { owner }), ...(defaults && { defaults }), ...(passOn && { passOn }) }
  }
  const { version } = proposal
  return { ok: true, agreement: { version, hash: canonicalHash({ version, objects }), objects } }
}

/** Refuses a proposal with an eleventh update field (rule AG2), or with a field that is named twice. Both sides check it. */
export function refuseProposal({ objects }: Pick<ProposalTerms, 'objects'>): Extract<EffectiveResult, { ok: false }> | undefined {
  for (const object of objectNames) {
    const fields = objects[object]?.fields ?? []
    const updates = fields.filter(({ update }) => update).length
    if (updates > limits.slotsPerTopic) {
      const message = `${object} has ${updates} update fields. At most ${limits.slotsPerTopic} may keep flowing; let the others travel once.`
      return { ok: false, code: 'TOO_MANY', message }
    }
    const names = new Set(fields.map(({ field }) => field.name))
    if (names.size < fields.length) return invalid(`A field of ${object} is proposed twice. Name each once.`)
  }
  return undefined
}

/** "0" to "9", in the order of the proposal's update fields. */
function slotsByField(fields: NonNullable<ProposalTerms['objects']['Lead']>['fields']): ReadonlyMap<string, string> {
  return new Map(fields.filter(({ update }) => update).map(({ field }, index) => [field.name, String(index)]))
}

function invalid(message: string): Extract<EffectiveResult, { ok: false }> {
  return { ok: false, code: 'INVALID', message }
}
