import type { ConnectionView, Engine, Field, ListingView, ObjectName, ObjectSchema, PartnerSite, RecordQuery, Value } from '@entente/engine'
import { type nothing, type TemplateResult } from 'lit'
import { isComplete } from '../sharing/conditions.js'
import { connectionName, inOrder, inOrderOfPeers } from '../choice/name.js'
import { readerOf } from '../share/share-words.js'
import { compactShares } from '../share/show-share.js'
import { listingBadge, listingText } from '../share/status-words.js'
import { plainText } from '../value/show-text.js'
import type { ListState } from './list-state.js'

export interface ListedRow {
  readonly id: string
  readonly values: Readonly<Record<string, Value>>
}

/** The rows of a list: own records, or listings of a partner site. */
export interface RowSet {
  readonly schema: Pick<ObjectSchema, 'fields' | 'nameField'>
  readonly plural: string
  /** In their order. A list of thousands reads only the rows that it draws. */
  readonly ids: readonly string[]
  readonly row: (id: string) => ListedRow | undefined
  readonly total: number
  /** The last column, beside the fields: how each row is shared. */
  readonly status: StatusColumn | undefined
  /** The connections by which own records can be filtered. */
  readonly connections: readonly ConnectionView[]
  /** How the vendor made its partner site look; undefined for own records. */
  readonly site: PartnerSite | undefined
  /** The usual columns; undefined for those of the object. */
  readonly columns: readonly string[] | undefined
  /** Id of a listing's own copy. */
  readonly copyOf: (row: ListedRow) => string | undefined
  readonly emptyTitle: string
  readonly emptyText: string
}

export interface StatusColumn {
  readonly field: Field
  readonly show: (row: ListedRow) => TemplateResult | typeof nothing
  readonly text: (row: ListedRow) => string
}

interface Wish extends ListState {
  readonly object: ObjectName
  readonly source: 'records' | 'listings'
  readonly connection: ConnectionView['id'] | undefined
}

export function readRows(engine: Engine, wish: Omit<Wish, 'selected'>, language: string): RowSet {
  const query: RecordQuery = {
    ...(wish.filter === '' ? {} : { search: wish.filter }),
    ...(wish.sort.length > 0 ? { sort: wish.sort } : {}),
    conditions: wish.conditions.filter(isComplete),
  }
  return wish.source === 'records' ? readRecords(engine, wish, query, language) : readListings(engine, wish, query)
}

function readRecords(engine: Engine, wish: Omit<Wish, 'selected'>, query: RecordQuery, language: string): RowSet {
  const { object, job } = wish
  const schema = engine.records.schema(object)
  const { ids, total } = engine.records.ids(object, query)
  const connections = inOrder(engine.connections.list()).filter((connection) => connection.state !== 'Pending')
  const exported = new Map<string, ReadonlySet<string>>()
  const exportedOver = ({ id }: ConnectionView): ReadonlySet<string> => {
    const known = exported.get(id) ?? new Set(engine.records.sharedOver(object, id))
    exported.set(id, known)
    return known
  }
  const reader = readerOf(engine, language)
  const namesOf = (row: ListedRow): string =>
    connections
      .filter((connection) => exportedOver(connection).has(row.id))
      .map((connection) => plainText(connectionName(connection), 40))
      .join(', ')
  const copies = job === undefined ? undefined : new Set(engine.site.copies(job))
  const isShown = sharingFilter(engine, wish, connections, exportedOver)
  return {
    schema,
    plural: schema.plural,
    ids: isShown || copies ? ids.filter((id) => copies?.has(id) !== false && isShown?.(id) !== false) : ids,
    row: (id) => engine.records.get(object, id),
    total,
    status:
      connections.length === 0
        ? undefined
        : {
            field: { name: 'SharedWith', label: 'Shared with', type: 'text' },
            show: ({ id }) => compactShares(inOrderOfPeers(engine.records.shares(object, id)), reader),
            text: namesOf,
          },
    connections,
    site: undefined,
    columns: undefined,
    copyOf: () => undefined,
    emptyTitle: `No ${schema.plural.toLowerCase()} yet`,
    emptyText: 'Create the first one, or import a CSV file.',
  }
}

/** Whether a record passes the filters about sharing; undefined where none is set. "Exported" means over the chosen connection, or else over any. */
function sharingFilter(
  engine: Engine,
  { object, only, sharedWith }: Omit<Wish, 'selected'>,
  connections: readonly ConnectionView[],
  exportedOver: (connection: ConnectionView) => ReadonlySet<string>,
): ((id: string) => boolean) | undefined {
  const chosen = sharedWith === undefined ? undefined : connections.find(({ id }) => id === sharedWith)
  if (sharedWith !== undefined && !chosen) return () => false
  const seen = chosen?.side === 'vendor' ? new Set(engine.sharing.visible(chosen.id, object)) : undefined
  const sets = (chosen ? [chosen] : connections).map(exportedOver)
  if (only === 'all' && !chosen) return undefined
  return (id) => {
    const isExported = sets.some((ids) => ids.has(id))
    return (!chosen || isExported || seen?.has(id) === true) && (only === 'all' || isExported === (only === 'exported'))
  }
}

function readListings(engine: Engine, { object, connection, only, job }: Omit<Wish, 'selected'>, query: RecordQuery): RowSet {
  const own = engine.records.schema(object)
  if (connection === undefined) return { ...nowhere, schema: own, plural: own.plural }
  const fields = engine.site.fields(connection, object)
  const site = engine.settings.site(connection)
  const { listings, total } = engine.site.listings(connection, object, query)
  const byId = listingsById(listings)
  const copies = job === undefined ? undefined : new Set(engine.site.copies(job))
  return {
    schema: { fields, nameField: fields.find((field) => ['Name', 'LastName'].includes(field.name))?.name ?? fields[0]?.name ?? '' },
    plural: object === 'Lead' ? 'Shared leads' : 'Shared opportunities',
    ids: listings
      .filter(
        ({ copy }) =>
          (only === 'all' || (copy !== undefined) === (only === 'exported')) && (!copies || (copy !== undefined && copies.has(copy))),
      )
      .map(({ id }) => id),
    row: (id) => byId.get(id),
    total,
    status: {
      field: { name: 'ExportStatus', label: 'Status', type: 'text' },
      show: ({ id }) => listingBadge(byId.get(id)?.status, byId.get(id)?.copy !== undefined),
      text: ({ id }) => listingText(byId.get(id)?.status, byId.get(id)?.copy !== undefined),
    },
    connections: [],
    site,
    columns: site.objects[object]?.columns ?? fields.map(({ name }) => name),
    copyOf: ({ id }) => byId.get(id)?.copy,
    emptyTitle: 'Nothing is shared with you yet',
    emptyText: 'The vendor decides which records you see here. They appear as soon as its sharing rule shows some.',
  }
}

// The engine gives the same array while nothing has changed, and a list draws more often than that.
const byIds = new WeakMap<readonly ListingView[], ReadonlyMap<string, ListingView>>()

function listingsById(listings: readonly ListingView[]): ReadonlyMap<string, ListingView> {
  let byId = byIds.get(listings)
  if (!byId) byIds.set(listings, (byId = new Map(listings.map((listing) => [listing.id, listing]))))
  return byId
}

const nowhere = {
  ids: [] as readonly string[],
  row: (): undefined => undefined,
  total: 0,
  status: undefined,
  connections: [] as readonly ConnectionView[],
  site: undefined,
  columns: undefined,
  copyOf: (): undefined => undefined,
  emptyTitle: 'No connection chosen',
  emptyText: 'Choose the vendor whose records you want to see.',
} satisfies Partial<RowSet>
