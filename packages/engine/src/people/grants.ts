import type { ConnectionId } from '@entente/protocol'
import { valueOf } from '../row/row.js'
import type { Rows } from '../row/rows.js'

/** The seats of a connection whose vendor has set no number. */
const defaultSeats = 5

export const grantRowId = (connection: ConnectionId, person: string): string => `${connection}:${person}`
export const seatsRowId = (connection: ConnectionId): string => `seats:${connection}`

/** How many people may export over a connection. */
export function seatsOf(rows: Rows, connection: ConnectionId): number {
  const value = valueOf(rows.get('Setting', seatsRowId(connection)), 'value')
  return typeof value === 'number' ? value : defaultSeats
}

/** The grants over a connection, the oldest first, and the number of seats. */
export function grantsOf(
  rows: Rows,
  connection: ConnectionId,
): { readonly granted: readonly { readonly id: string; readonly at: number }[]; readonly seats: number } {
  const start = grantRowId(connection, '')
  const granted: { id: string; at: number }[] = []
  for (const row of rows.list('Grant').values()) {
    const at = valueOf(row, 'at')
    if (row.id.startsWith(start) && valueOf(row, 'granted') === true)
      granted.push({ id: row.id.slice(start.length), at: typeof at === 'number' ? at : 0 })
  }
  granted.sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1))
  return { granted, seats: seatsOf(rows, connection) }
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
    if (valueOf(row, 'role') !== 'integration' && typeof name === 'string') people.push({ id: row.id, name })
  }
  return people
}
