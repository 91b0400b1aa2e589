import { type Row, valueOf } from '../row/row.js'
import type { Rows } from '../row/rows.js'
import type { RowsView } from './feed-role.js'

/** Which record maps belong to a record and to a connection: asked with every save, so kept beside the rows. */
export class RecordMapIndex implements RowsView {
  readonly #rows: Rows
  readonly #byRecord = new Map<string, Set<string>>()
  readonly #byConnection = new Map<string, Set<string>>()

  constructor(rows: Rows) {
    this.#rows = rows
    rows.watch((changes) => {
      for (const { object, id } of changes) if (object === 'RecordMap') this.#add(rows.get(object, id))
    })
  }

  /** For rows that were loaded, of which no one told. */
  load(): void {
    for (const row of this.#rows.list('RecordMap').values()) this.#add(row)
  }

  get(object: string, id: string): Row | undefined {
    return this.#rows.get(object, id)
  }

  mapsOfRecord(object: string, record: string): Iterable<string> {
    return this.#byRecord.get(recordName(object, record)) ?? []
  }

  mapsOfConnection(connection: string): Iterable<string> {
    return this.#byConnection.get(connection) ?? []
  }

  // A map never changes its record or connection, so nothing is ever taken out.
  #add(map: Row | undefined): void {
    if (!map) return
    const [connection, object, record] = [valueOf(map, 'connection'), valueOf(map, 'object'), valueOf(map, 'record')]
    if (typeof connection === 'string') addTo(this.#byConnection, connection, map.id)
    if (typeof object === 'string' && typeof record === 'string') addTo(this.#byRecord, recordName(object, record), map.id)
  }
}

/** Rows as a transaction finds or makes them, over those in memory. */
export class Overlay implements RowsView {
  readonly #below: RowsView
  readonly #rows = new Map<string, Row>()
  readonly #maps: Row[] = []

  constructor(below: RowsView) {
    this.#below = below
  }

  set(row: Row): void {
    this.#rows.set(rowName(row.object, row.id), row)
    if (row.object === 'RecordMap') this.#maps.push(row)
  }

  get(object: string, id: string): Row | undefined {
    return this.#rows.get(rowName(object, id)) ?? this.#below.get(object, id)
  }

  mapsOfRecord(object: string, record: string): Iterable<string> {
    const ids = new Set(this.#below.mapsOfRecord(object, record))
    for (const map of this.#maps) if (valueOf(map, 'object') === object && valueOf(map, 'record') === record) ids.add(map.id)
    return ids
  }

  mapsOfConnection(connection: string): Iterable<string> {
    const ids = new Set(this.#below.mapsOfConnection(connection))
    for (const map of this.#maps) if (valueOf(map, 'connection') === connection) ids.add(map.id)
    return ids
  }
}

const rowName = (object: string, id: string): string => `${object}\n${id}`
const recordName = rowName

function addTo(sets: Map<string, Set<string>>, name: string, id: string): void {
  const set = sets.get(name)
  if (set) set.add(id)
  else sets.set(name, new Set([id]))
}
