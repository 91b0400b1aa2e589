import { utf8ByteLength } from 'lib0/string'
import * as v from 'valibot'
import { type Key, parseKey } from '@entente/protocol'
import type { ExportError, OutboundStatus } from '../api/index.js'
import { byName, value } from '../agree/agreement-terms.js'
import { count, version } from '../schema/numbers.js'

// The messages of an export. A request asks for up to 50 listings. One or more packages answer it, and one result answers each package. All are signed.
// The key of each names job, request and part, so that a second answer replaces the first.

/** Listings in one request: their package fits into one message unless texts are long. */
export const listingsPerRequest = 50

const id = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{22}$/))
const object = v.picklist(['Lead', 'Opportunity'])
const short = v.pipe(v.string(), v.maxLength(1_000))

export const outboundStatuses = [
  'ExportInProgress',
  'ExportSuccess',
  'ExportSuccessSkipped',
  'ExportSuccessPartial',
  'ExportPublishFieldMapError',
  'ExportPublishConnectionError',
  'ExportPublishEventError',
  'ExportPublishUnknownError',
  'ExportSubscribeFieldMapError',
  'ExportSubscribeUnknownError',
  'UpdateInProgress',
  'UpdateSuccess',
  'UpdatePublishFieldMapError',
  'UpdatePublishConnectionError',
  'UpdatePublishEventError',
  'UpdatePublishUnknownError',
  'UpdateSubscribeFieldMapError',
  'UpdateSubscribeRecordNotFound',
  'UpdateSubscribeUnknownError',
] as const satisfies readonly OutboundStatus[]

const errors = v.pipe(v.array(v.object({ record: short, field: short, rule: short, message: short, fix: short })), v.maxLength(300))
const part = { job: id, request: count }
const refused = v.object({ listing: id, status: v.picklist(outboundStatuses), errors })

export const requestTerms = v.object({
  ...part,
  object,
  version,
  listings: v.pipe(v.array(id), v.minLength(1), v.maxLength(listingsPerRequest)),
  /** Those of the listings of which the partner has a copy. */
  have: v.optional(v.pipe(v.array(id), v.maxLength(listingsPerRequest)), []),
})
export type RequestTerms = v.InferOutput<typeof requestTerms>

const exported = v.object({ listing: id, map: id, values: byName(value) })
export const packageTerms = v.object({
  ...part,
  part: count,
  object,
  version,
  answers: v.array(v.union([exported, refused])),
})
export type PackageTerms = v.InferOutput<typeof packageTerms>
export type Answer = PackageTerms['answers'][number]
export type ExportedAnswer = v.InferOutput<typeof exported>

export const isExported = (answer: Answer): answer is ExportedAnswer => 'map' in answer

/** How one listing ended at the partner. */
const ended = v.object({ listing: id, map: id, status: v.picklist(outboundStatuses), errors })
export const resultTerms = v.object({ ...part, part: count, results: v.array(ended) })
export type ResultTerms = v.InferOutput<typeof resultTerms>

/** How the listings of a request stand, as the ExportRequest rows of both sides keep it. The vendor's say `ExportInProgress` of what has left. */
export const recordedOutcomes = v.array(v.object({ ...refused.entries, map: v.optional(id) }))
export type RecordedOutcome = v.InferOutput<typeof recordedOutcomes>[number]

/** The rule by which the partner leaves out what it has cancelled, and both sides know it. */
export const cancelledRule = 'cancelled'

export const requestPrefix = 'q.'
export const packagePrefix = 'p.'
export const resultPrefix = 'r.'

/** Replaces a package once its result has come: small enough to stay, and the sign for the partner that the vendor read the result. */
export const packageDone = 'done'

export const requestKey = (job: string, request: number): Key => parseKey(`${requestPrefix}${job}.${request}`)
export const packageKey = (job: string, request: number, index: number): Key => parseKey(`${packagePrefix}${job}.${request}.${index}`)
export const resultKey = (job: string, request: number, index: number): Key => parseKey(`${resultPrefix}${job}.${request}.${index}`)
/** The key of a package's result, and back. */
export const resultOfPackage = (key: string): Key => parseKey(resultPrefix + key.slice(2))
export const packageOfResult = (key: string): Key => parseKey(packagePrefix + key.slice(2))
/** The request to which a package or a result belongs, by its key: both sides keep in its row how each of its listings stands. */
export const requestOf = (key: Key): string => key.slice(packagePrefix.length, key.lastIndexOf('.'))

/** The bytes that the results of one package may have: signed and sealed they stay below the limit of a message. */
const resultBytes = 40_000
/** Characters of a text in the one error that is left where there is no room for a whole one. */
const shortText = 40
/** Leaves room for how many more errors there are. */
const longestText = 960

/** Results that fit into one message: each listing has its share, for its first errors and how many more there are. */
export function fitResults(results: ResultTerms['results']): ResultTerms['results'] {
  const share = Math.floor(resultBytes / Math.max(1, results.length))
  return results.map((result) => ({ ...result, errors: fitErrors(result.errors, share) }))
}

function fitErrors(errors: readonly ExportError[], room: number): ExportError[] {
  const kept: ExportError[] = []
  let left = room
  for (const whole of errors) {
    const error = clipped(whole, longestText)
    left -= utf8ByteLength(JSON.stringify(error))
    if (left < 0) break
    kept.push(error)
  }
  const [first] = errors
  if (first && kept.length === 0) kept.push(clipped(first, shortText))
  const [shown] = kept
  if (shown && kept.length < errors.length) kept[0] = { ...shown, message: `${shown.message} (and ${errors.length - kept.length} more)` }
  return kept
}

function clipped({ record, field, rule, message, fix }: ExportError, most: number): ExportError {
  const clip = (text: string): string => (text.length > most ? `${text.slice(0, most).replace(/[\uD800-\uDBFF]$/, '')}…` : text)
  return { record: clip(record), field: clip(field), rule: clip(rule), message: clip(message), fix: clip(fix) }
}

export function exportError(record: string, rule: string, message: string, fix: string, field = ''): ExportError {
  return { record, field, rule, message, fix }
}
