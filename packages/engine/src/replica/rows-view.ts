import { type Row, valueOf } from '../row/row.js'

/** Which record maps belong to a record and to a connection. */
export interface RecordMaps {
  /** The ids of a record's record maps. */
  mapsOfRecord(object: string, record: string): Iterable<string>
  /** The ids of a connection's record maps. */
  mapsOfConnection(connection: string): Iterable<string>
}

/** Rows as a function sees them: those in memory, or those of a transaction over them. */
export interface RowsView extends RecordMaps {
  get(object: string, id: string): Row | undefined
}

/** All rows, for comparing a whole feed with them. */
export interface AllRows {
  objects(): Iterable<string>
  list(object: string): ReadonlyMap<string, Row>
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
