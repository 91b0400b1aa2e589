import { type Row, valueOf } from '../row/row.js'
import type { Rows } from '../row/rows.js'
import type { RowsView } from './rows-view.js'

/** The rows in memory with an index of the record maps: each save asks for those of its records. The only index of them. */
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

  /** Takes in the rows that were loaded: loading tells no watcher. */
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

const recordName = (object: string, record: string): string => `${object}\n${record}`

function addTo(sets: Map<string, Set<string>>, name: string, id: string): void {
  const set = sets.get(name)
  if (set) set.add(id)
  else sets.set(name, new Set([id]))
}
