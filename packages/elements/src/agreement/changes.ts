import type { EffectiveAgreement, ObjectName, ObjectSchema, Proposal } from '@entente/engine'
import type { AcceptanceDraft } from './acceptance.js'

/** One field that travels: what it is called here, and whether it keeps flowing. */
interface Travelling {
  readonly label: string
  readonly update: boolean
}

/** What travels, by object and by the vendor's name of the field. */
export type Terms = Readonly<Partial<Record<ObjectName, ReadonlyMap<string, Travelling>>>>

const objects = ['Opportunity', 'Lead'] as const

export function termsInForce(agreement: EffectiveAgreement | undefined): Terms {
  return byObject((object) =>
    (agreement?.objects[object]?.fields ?? []).map(({ vendor, slot }) => [
      vendor.name,
      { label: vendor.label, update: slot !== undefined },
    ]),
  )
}

export function termsOffered(proposal: Proposal): Terms {
  return byObject((object) =>
    (proposal.objects[object]?.fields ?? []).map(({ field, update }) => [field.name, { label: field.label, update }]),
  )
}

/** What travels once the partner has accepted its draft. */
export function termsAccepted(proposal: Proposal, draft: AcceptanceDraft): Terms {
  const offered = termsOffered(proposal)
  return byObject((object) =>
    (draft[object]?.fields ?? []).flatMap(({ source, update }) => {
      const offer = offered[object]?.get(source)
      return offer ? [[source, { label: offer.label, update: update && offer.update }] as const] : []
    }),
  )
}

function byObject(read: (object: ObjectName) => readonly (readonly [string, Travelling])[]): Terms {
  return Object.fromEntries(objects.map((object) => [object, new Map(read(object))]))
}

/** What differs between two terms, a sentence for each kind of change; none where nothing does. */
export function changeSentences(
  before: Terms,
  after: Terms,
  schemaOf: (object: ObjectName) => ObjectSchema,
  language: string,
): readonly string[] {
  const names = new Intl.ListFormat(language.startsWith('en') ? language : 'en', { type: 'conjunction' })
  return objects.flatMap((object) => {
    const [was, is] = [before[object] ?? new Map<string, Travelling>(), after[object] ?? new Map<string, Travelling>()]
    const plural = schemaOf(object).plural.toLowerCase()
    if (was.size > 0 && is.size === 0) return [`No field of ${plural} travels any more. Copies keep what they got.`]
    const say = (
      from: ReadonlyMap<string, Travelling>,
      holds: (name: string, field: Travelling) => boolean,
      what: string,
      then: string,
    ) => {
      const labels = [...from].filter(([name, field]) => holds(name, field)).map(([, { label }]) => label)
      return labels.length === 0 ? [] : [`${names.format(labels)} of ${plural} ${labels.length === 1 ? what : then}`]
    }
    return [
      ...say(was, (name) => !is.has(name), 'no longer travels. Copies keep what they got.', 'no longer travel. Copies keep what they got.'),
      ...say(
        was,
        (name, { update }) => update && is.get(name)?.update === false,
        'is no longer kept up to date. Mirrors drop it; copies keep what they got.',
        'are no longer kept up to date. Mirrors drop them; copies keep what they got.',
      ),
      ...say(
        is,
        (name, { update }) => update && was.get(name)?.update !== true,
        'keeps flowing from now on, both ways, also for records that were exported before.',
        'keep flowing from now on, both ways, also for records that were exported before.',
      ),
      ...say(
        is,
        (name, { update }) => !update && !was.has(name),
        'travels with an export from now on. Copies that exist do not get it.',
        'travel with an export from now on. Copies that exist do not get them.',
      ),
    ]
  })
}
