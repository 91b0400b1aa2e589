import type { JobError, ObjectName, RecallView } from '../api/index.js'
import { agreementFacts } from '../agree/agreement-row.js'
import { connectionFacts } from '../connect/connection-facts.js'
import type { EngineContext } from '../context.js'
import { writeCsv } from '../csv/write.js'
import type { RecordedOutcome } from '../export/export-messages.js'
import { valuesOf } from '../records/records.js'
import { textOf } from '../replica/feed-role.js'
import type { Field } from '../schema/field.js'
import { findField } from '../schema/schema.js'
import { isValueMap, scalarToText, type Value, valueIn } from '../schema/value.js'
import { findListing } from '../share/listing.js'
import { isFailed, isOwnJob, jobFacts, jobsOf, requestedName, requestOutcomes } from '../export/job.js'

/**
 * What failed in a job, with the names and values that this org has of the records: the partner its listings, the vendor its records. No value is
 * stored with an error, nor does it travel (rule EX7). Of a listing that has gone the partner has the name alone, which its request keeps.
 */
export function jobErrors(context: EngineContext, id: string): readonly JobError[] {
  const { rows } = context
  const job = jobFacts(rows.get('Export', id))
  const connection = connectionFacts(rows.get('Connection', job?.connection ?? ''))
  if (!job || !connection) return []
  const { object } = job
  const isOwn = isOwnJob(job)
  const schema = context.schema(object)
  const lines = agreementFacts(rows.get('Agreement', connection.id)).effective?.objects[object]?.fields ?? []

  const valuesFor = ({ listing, map }: RecordedOutcome, record: string): Readonly<Record<string, Value>> => {
    if (isOwn) {
      const body = findListing(context, connection, listing)
      const values = isValueMap(body) ? body['values'] : undefined
      return isValueMap(values) ? values : {}
    }
    const row = rows.get(object, textOf(rows.get('RecordMap', map ?? ''), 'record') ?? record)
    return row ? valuesOf(row) : {}
  }

  return jobsOf(rows)
    .requests(id)
    .flatMap((request) =>
      requestOutcomes(request)
        .filter(isFailed)
        .map((outcome) => ({ request, outcome })),
    )
    .flatMap(({ request, outcome }) => {
      const { listing, status, errors } = outcome
      const isPartners = status.startsWith('ExportSubscribe')
      return errors.map((error): JobError => {
        const values = valuesFor(outcome, error.record)
        const line = lines.find(({ vendor, partner }) => (isPartners ? partner : vendor).name === error.field)
        const field: Field | undefined = isPartners && isOwn ? findField(schema, error.field) : isPartners ? line?.partner : line?.vendor
        const source = isPartners ? line?.vendor.name : error.field
        return {
          ...error,
          listing,
          status,
          name: nameOfRecord(object, values) || requestedName(request, listing),
          label: field?.label ?? error.field,
          value: source === undefined ? null : valueIn(values, source),
          correct: isOwn && status === 'ExportSubscribeFieldMapError' ? field : undefined,
        }
      })
    })
}

/** What became of the records of a job that the vendor has recalled. */
export function jobRecalls({ rows }: EngineContext, id: string): readonly RecallView[] {
  const job = jobFacts(rows.get('Export', id))
  if (!job) return []
  return jobsOf(rows)
    .recalled(id)
    .map(({ map, outcome }) => {
      const record = textOf(map, 'record') ?? ''
      const row = rows.get(job.object, record)
      return { record, name: row ? nameOfRecord(job.object, valuesOf(row)) : '', outcome }
    })
}

/** What people call a record; '' where no value names it. */
export function nameOfRecord(object: ObjectName, values: Readonly<Record<string, Value>>): string {
  const text = (...names: readonly string[]): string =>
    names
      .map((name) => valueIn(values, name))
      .filter((value) => typeof value === 'string')
      .join(' ')
      .trim()
  return object === 'Opportunity' ? text('Name') : text('FirstName', 'LastName') || text('Company') || text('Email')
}

const column = (name: keyof JobError, label: string): Field => ({ name, label, type: 'text', length: 32_768 })
const columns = [
  column('name', 'Record'),
  column('label', 'Field'),
  column('value', 'Value'),
  column('rule', 'Rule'),
  column('message', 'What happened'),
  column('fix', 'What to do'),
]

/** The errors as CSV for a spreadsheet; what one would run as a formula is escaped. */
export function errorFile(errors: readonly JobError[]): string {
  const lines = errors.map(({ name, label, value, rule, message, fix }) => ({ name, label, value: textOfValue(value), rule, message, fix }))
  return writeCsv(columns, lines)
}

function textOfValue(value: Value): string {
  if (isValueMap(value)) return Object.values(value).map(textOfValue).join(' ')
  return scalarToText(value)
}
