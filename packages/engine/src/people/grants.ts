import type { ConnectionId } from '@entente/protocol'
import { valueOf } from '../row/row.js'
import type { RowReader, Rows } from '../row/rows.js'
import { isValueMap } from '../schema/value.js'

/** The seats of a connection whose vendor has set no number. */
const defaultSeats = 5

export const grantRowId = (connection: ConnectionId, person: string): string => `${connection}:${person}`
export const seatsRowId = (connection: ConnectionId): string => `seats:${connection}`

/** How many people may export over a connection. */
export function seatsOf(rows: RowReader, connection: ConnectionId): number {
  const value = valueOf(rows.get('Setting', seatsRowId(connection)), 'value')
  return typeof value === 'number' ? value : defaultSeats
}

/** Who was granted the export over a connection, the oldest grant first, and the number of seats. */
export interface Grants {
  readonly granted: readonly { readonly id: string; readonly at: number }[]
  readonly seats: number
}

export function grantsOf(rows: Rows, connection: ConnectionId): Grants {
  const start = grantRowId(connection, '')
  const people = [...rows.list('Grant').keys()].filter((id) => id.startsWith(start)).map((id) => id.slice(start.length))
  return grantsAmong(rows, connection, people)
}

/** The grants of these people. */
export function grantsAmong(rows: RowReader, connection: ConnectionId, people: Iterable<string>): Grants {
  const granted: { id: string; at: number }[] = []
  for (const id of people) {
    const row = rows.get('Grant', grantRowId(connection, id))
    const at = valueOf(row, 'at')
    if (valueOf(row, 'granted') === true) granted.push({ id, at: typeof at === 'number' ? at : 0 })
  }
  granted.sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1))
  return { granted, seats: seatsOf(rows, connection) }
}

/** The row with the people whom the partner has announced. */
export const announcedRowId = (connection: ConnectionId): string => `${connection}:peer people`

export function announcedPeople(rows: RowReader, connection: ConnectionId): readonly { readonly id: string; readonly name: string }[] {
  const content = valueOf(rows.get('Announcement', announcedRowId(connection)), 'content')
  return (Array.isArray(content) ? content : []).flatMap((each) => {
    const [id, name] = isValueMap(each) ? [each['id'], each['name']] : []
    return typeof id === 'string' && typeof name === 'string' ? [{ id, name }] : []
  })
}

/** Whether a person has a grant and a seat. Where there are fewer seats than grants, the oldest grants keep theirs. */
export function hasSeat(rows: Rows, connection: ConnectionId, person: string): boolean {
  const { granted, seats } = grantsOf(rows, connection)
  const rank = granted.findIndex((grant) => grant.id === person)
  return rank >= 0 && rank < seats
}

/** The own org's people, without the integration users. */
export function ownPeople(rows: Rows): readonly { readonly id: string; readonly name: string }[] {
  const people: { id: string; name: string }[] = []
  for (const row of rows.list('User').values()) {
    const name = valueOf(row, 'name')
    if (valueOf(row, 'role') !== 'integration' && valueOf(row, 'removed') !== true && typeof name === 'string')
      people.push({ id: row.id, name })
  }
  return people
}
