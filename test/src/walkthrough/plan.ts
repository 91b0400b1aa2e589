import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  addCustomField,
  type ColumnMapping,
  convertAllRows,
  type CsvTable,
  decodeCsvBytes,
  type FieldMapping,
  guessColumns,
  guessesToMapping,
  type ObjectSchema,
  parseCsv,
  proposeCustomField,
  type Proposal,
  standardOpportunity,
  type Value,
} from '@entente/engine'
import { generateSample, partnerMapping, partnerSchema, vendorSchema } from '@entente/engine/sample'
import type { Plan } from './journey.js'

/** What the vendor offers, in this order, and whether it keeps flowing: seven fields, four of them update fields. */
const offered = [
  ['Name', false],
  ['AccountName', false],
  ['Amount', true],
  ['CloseDate', true],
  ['StageName', true],
  ['NextStep', true],
  ['OwnerName', false],
] as const

/** What the partner does not take, so that six fields remain. */
const declined = 'OwnerName'

/** A plan over generated sample data: works anywhere. */
export function samplePlan(): Plan {
  const sample = generateSample({ seed: 2027, side: 'vendor', leads: 0, opportunities: 400 })
  const rows = sample.records.map((record) => record.values)
  return { ...planOf(vendorSchema('Opportunity'), rows), shared: { field: 'StageName', values: openStages(rows) }, exports: 100 }
}

/** A plan over a directory with `sales_pipeline.csv`: every row becomes an opportunity of the vendor's. */
export async function csvPlan(directory: string): Promise<Plan> {
  const table = await readTable(join(directory, 'sales_pipeline.csv'))
  const { schema, columns } = await mapColumns(table)
  const { report, records } = await convertAllRows(table, { schema, columns })
  if (report.bad > 0) throw new Error(`${report.bad} of ${report.total} rows cannot be imported`)
  const rows = records.map((record) => record.values)
  return { ...planOf(schema, rows), shared: { field: 'StageName', values: ['Closed Won'] }, exports: 1000 }
}

function planOf(schema: ObjectSchema, rows: readonly Readonly<Record<string, Value>>[]): Omit<Plan, 'shared' | 'exports'> {
  const proposal: Proposal = {
    objects: {
      Opportunity: {
        fields: offered.flatMap(([name, update]) => {
          const field = schema.fields.find((candidate) => candidate.name === name)
          return field ? [{ field, update }] : []
        }),
      },
    },
  }
  const updates = new Map<string, boolean>(offered)
  const fields = partnerMapping('Opportunity').flatMap((mapping): FieldMapping[] => {
    const { source } = mapping
    const update = source === undefined ? undefined : updates.get(source)
    return source === undefined || update === undefined || source === declined ? [] : [{ ...mapping, source, update }]
  })
  return {
    rows,
    vendorSchema: schema,
    partnerSchema: partnerSchema('Opportunity'),
    proposal,
    acceptance: { objects: { Opportunity: { fields } } },
    updateField: 'NextStep',
    onceField: 'AccountName',
    privateField: 'Description',
  }
}

async function readTable(file: string): Promise<CsvTable> {
  const decoded = decodeCsvBytes(await readFile(file), (bytes, encoding) => new TextDecoder(encoding).decode(bytes))
  if (!decoded.ok) throw new Error(decoded.error.message)
  const parsed = await parseCsv(decoded.text)
  if (!parsed.ok) throw new Error(parsed.error.message)
  return parsed.table
}

/** The guessed columns, a custom field for each that no standard field takes, and what the file's stages are called here. */
async function mapColumns(table: CsvTable): Promise<{ schema: ObjectSchema; columns: readonly ColumnMapping[] }> {
  let schema = standardOpportunity
  for (const guess of await guessColumns(table, schema)) {
    if (guess.field !== undefined) continue
    const added = addCustomField(schema, proposeCustomField(guess, schema))
    if (!added.ok) throw new Error(added.error.message)
    schema = added.schema
  }
  const columns = guessesToMapping(await guessColumns(table, schema)).map((line): ColumnMapping => {
    if (line.field === 'StageName') return { ...line, values: { Won: 'Closed Won', Lost: 'Closed Lost', Engaging: 'Qualification' } }
    if (line.field === 'Amount') return { ...line, currency: 'USD' }
    // An open deal has no close date in the file; the standard field wants one.
    return line.field === 'CloseDate' ? { ...line, default: '2018-03-31' } : line
  })
  return { schema, columns }
}

function openStages(rows: readonly Readonly<Record<string, Value>>[]): readonly string[] {
  const stages = new Set(rows.map((row) => row['StageName']).filter((stage) => typeof stage === 'string'))
  return [...stages].filter((stage) => !stage.startsWith('Closed'))
}
