import type { AgreementView, ConnectionView, EffectiveAgreement, Engine, ObjectName, Proposal } from '@entente/engine'
import { connectionName } from '../choice/name.js'
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

/** What travels once the partner has accepted its draft. @param takenBack what the vendor has withdrawn since it proposed */
export function termsAccepted(proposal: Proposal, draft: AcceptanceDraft, takenBack: AgreementView['takenBack'] = {}): Terms {
  const offered = termsOffered(proposal)
  return byObject((object) =>
    (draft[object]?.fields ?? []).flatMap(({ source, update }) => {
      const offer = offered[object]?.get(source)
      const isGone = update && takenBack[object]?.includes(source) === true
      return offer && !isGone ? [[source, { label: offer.label, update: update && offer.update }] as const] : []
    }),
  )
}

function byObject(read: (object: ObjectName) => readonly (readonly [string, Travelling])[]): Terms {
  return Object.fromEntries(objects.map((object) => [object, new Map(read(object))]))
}

/** Whose eyes the sentences are for. */
export interface Onlooker {
  readonly peer: string
  /** In lower case: "opportunities", "one opportunity". */
  readonly plural: (object: ObjectName) => string
  /** "312 opportunities": the records that are shared over the connection now. Undefined for a version of the past. */
  readonly count: ((object: ObjectName) => number) | undefined
  readonly language: string
}

/** @param ofPast for versions whose records nobody counted */
export function onlookerOf(engine: Engine, connection: ConnectionView['id'], language: string, ofPast = false): Onlooker {
  const view = engine.connections.get(connection)
  return {
    peer: view ? connectionName(view) : 'the other org',
    plural: (object) => engine.records.schema(object).plural.toLowerCase(),
    count: ofPast ? undefined : (object) => engine.records.sharedOver(object, connection).length,
    language,
  }
}

/** "312 opportunities"; without a number where nothing is shared yet. */
export function countedRecords({ count, plural, language }: Onlooker, object: ObjectName): string {
  const number = count?.(object) ?? 0
  if (number === 0) return plural(object)
  return number === 1 ? `1 record of ${plural(object)}` : `${number.toLocaleString(language)} ${plural(object)}`
}

/** Which fields another proposal offers beside those of the one before, and which no longer. Nobody has taken any of it. */
export function offerSentences(before: Terms, after: Terms, { plural }: Onlooker): readonly string[] {
  return objects.flatMap((object) => {
    const say = (from: Terms[ObjectName], without: Terms[ObjectName], words: string): readonly string[] => {
      const labels = labelsOf(from, (name) => !without?.has(name))
      return labels.length === 0 ? [] : [`${words} of ${plural(object)}: ${labels.join(', ')}.`]
    }
    return [...say(before[object], after[object], 'Offered no more'), ...say(after[object], before[object], 'Offered now')]
  })
}

const labelsOf = (from: Terms[ObjectName], holds: (name: string, update: boolean) => boolean): readonly string[] =>
  [...(from ?? [])].flatMap(([name, { label, update }]) => (holds(name, update) ? label : []))

/** What differs between two terms, a sentence for each kind of change; none where nothing does. */
export function changeSentences(before: Terms, after: Terms, onlooker: Onlooker): readonly string[] {
  const { peer, language } = onlooker
  const names = new Intl.ListFormat(language.startsWith('en') ? language : 'en', { type: 'conjunction' })
  return objects.flatMap((object) => {
    const [was, is] = [before[object], after[object]]
    const counted = countedRecords(onlooker, object)
    const exported = onlooker.count?.(object) ?? 0
    const plural = onlooker.plural(object)
    const say = (
      from: Terms[ObjectName],
      holds: (name: string, update: boolean) => boolean,
      sentence: (labels: string, one: boolean) => string,
    ): readonly string[] => {
      const labels = labelsOf(from, holds)
      return labels.length === 0 ? [] : [sentence(names.format(labels), labels.length === 1)]
    }
    const unseen = (labels: string): string => `${peer} no longer sees ${labels} on ${counted}, and your org no longer sees theirs.`
    return [
      ...say(
        was,
        (name, update) => update && !is?.has(name),
        (labels) => `${unseen(labels)} Copies keep what they got.`,
      ),
      ...say(
        was,
        (name, update) => update && is?.get(name)?.update === false,
        (labels, one) => `${unseen(labels)} ${one ? 'It still travels' : 'They still travel'} with an export; copies keep what they got.`,
      ),
      ...say(
        was,
        (name, update) => !update && !is?.has(name),
        (labels, one) => `${labels} of ${plural} no longer ${one ? 'travels' : 'travel'} with an export. Copies keep what they got.`,
      ),
      ...say(
        is,
        (name, update) => update && was?.get(name)?.update !== true,
        (labels, one) =>
          exported > 0
            ? `${labels} ${one ? 'keeps' : 'keep'} flowing from now on, both ways, also on ${counted} exported before.`
            : `${labels} of ${plural} ${one ? 'keeps' : 'keep'} flowing from now on, both ways.`,
      ),
      ...say(
        is,
        (name, update) => !update && !was?.has(name),
        (labels, one) =>
          `${labels} of ${plural} ${one ? 'travels' : 'travel'} with an export from now on.${
            exported > 0 ? ` Copies that exist get ${one ? 'it' : 'them'} where the partner fills ${one ? 'it' : 'them'} in.` : ''
          }`,
      ),
    ]
  })
}
