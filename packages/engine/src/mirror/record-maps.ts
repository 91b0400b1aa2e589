import type { Rows } from '../row/rows.js'
import { textOf } from '../replica/feed-role.js'

/** From an own record to its record maps, and from a connection to its: kept up to date map by map. */
export class RecordMaps {
  readonly #rows: Rows
  readonly #mapsByRecord = new Map<string, Set<string>>()
  readonly #mapsByConnection = new Map<string, Set<string>>()
  readonly #stale = new Set<string>()

  constructor(rows: Rows) {
    this.#rows = rows
    for (const id of rows.list('RecordMap').keys()) this.#stale.add(id)
    rows.watch((changes) => {
      for (const { object, id } of changes) if (object === 'RecordMap') this.#stale.add(id)
    })
  }

  ofRecord(object: string, record: string): ReadonlySet<string> {
    this.#read()
    return this.#mapsByRecord.get(`${object}\n${record}`) ?? none
  }

  ofConnection(connection: string): ReadonlySet<string> {
    this.#read()
    return this.#mapsByConnection.get(connection) ?? none
  }

  // A map's record and connection never change, so nothing has to be taken out again.
  #read(): void {
    for (const id of this.#stale) {
      const row = this.#rows.get('RecordMap', id)
      add(this.#mapsByRecord, `${textOf(row, 'object') ?? ''}\n${textOf(row, 'record') ?? ''}`, id)
      add(this.#mapsByConnection, textOf(row, 'connection') ?? '', id)
    }
    this.#stale.clear()
  }
}

const none: ReadonlySet<string> = new Set()

function add(index: Map<string, Set<string>>, name: string, id: string): void {
  const ids = index.get(name)
  if (ids) ids.add(id)
  else index.set(name, new Set([id]))
}
