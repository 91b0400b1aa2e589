import type { Condition, ConnectionView, Engine, ObjectName, ObjectSchema, RecordQuery, SortKey, Value } from '@entente/engine'
import { html, nothing, type TemplateResult } from 'lit'
import { isComplete } from '../sharing/conditions.js'
import { statusBadge } from '../jobs/status-words.js'
import { plainText } from '../value/show-text.js'

export interface ListedRow {
  readonly id: string
  readonly values: Readonly<Record<string, Value>>
}

/** The rows of a list: own records, or listings of a partner site. */
export interface RowSet {
  readonly schema: Pick<ObjectSchema, 'fields' | 'nameField'>
  readonly plural: string
  readonly rows: readonly ListedRow[]
  readonly total: number
  readonly hasStatus: boolean
  readonly statusOf: (row: ListedRow) => TemplateResult | typeof nothing
  readonly emptyTitle: string
  readonly emptyText: string
}

interface Wish {
  readonly object: ObjectName
  readonly source: 'records' | 'listings'
  readonly connection: ConnectionView['id'] | undefined
  readonly filter: string
  readonly conditions: readonly Condition[]
  readonly sort: readonly SortKey[]
  readonly only: 'all' | 'new' | 'exported'
}

export function readRows(engine: Engine, wish: Wish): RowSet {
  const query: RecordQuery = {
    ...(wish.filter === '' ? {} : { search: wish.filter }),
    ...(wish.sort.length > 0 ? { sort: wish.sort } : {}),
    conditions: wish.conditions.filter(isComplete),
  }
  return wish.source === 'records' ? readRecords(engine, wish, query) : readListings(engine, wish, query)
}

function readRecords(engine: Engine, { object }: Wish, query: RecordQuery): RowSet {
  const schema = engine.records.schema(object)
  const { records, total } = engine.records.list(object, query)
  return {
    schema,
    plural: schema.plural,
    rows: records,
    total,
    hasStatus: engine.connections.list().some((connection) => connection.state !== 'Pending'),
    statusOf: (row) => {
      const shares = engine.records.shares(object, row.id)
      const names = shares.filter((share) => share.on).map((share) => plainText(share.peerName, 40))
      return names.length > 0
        ? html`<span class="badge accent" title="Exported; both sides follow each other">${names.join(', ')}</span>`
        : nothing
    },
    emptyTitle: `No ${schema.plural.toLowerCase()} yet`,
    emptyText: 'Create the first one, or import a CSV file.',
  }
}

function readListings(engine: Engine, { object, connection, only }: Wish, query: RecordQuery): RowSet {
  const own = engine.records.schema(object)
  if (connection === undefined) return { ...nowhere, schema: own, plural: own.plural }
  const fields = engine.site.fields(connection, object)
  const { listings, total } = engine.site.listings(connection, object, query)
  const statusById = new Map(listings.map((listing) => [listing.id, listing]))
  return {
    schema: { fields, nameField: fields.find((field) => ['Name', 'LastName'].includes(field.name))?.name ?? fields[0]?.name ?? '' },
    plural: object === 'Lead' ? 'Shared leads' : 'Shared opportunities',
    rows: listings.filter((listing) => only === 'all' || (listing.copy !== undefined) === (only === 'exported')),
    total,
    hasStatus: true,
    statusOf: (row) => statusBadge(statusById.get(row.id)?.status, statusById.get(row.id)?.copy !== undefined),
    emptyTitle: 'Nothing is shared with you yet',
    emptyText: 'The vendor decides which records you see here. They appear as soon as its sharing rule shows some.',
  }
}

const nowhere = {
  rows: [] as readonly ListedRow[],
  total: 0,
  hasStatus: false,
  statusOf: (): typeof nothing => nothing,
  emptyTitle: 'No connection chosen',
  emptyText: 'Choose the vendor whose records you want to see.',
} satisfies Partial<RowSet>
