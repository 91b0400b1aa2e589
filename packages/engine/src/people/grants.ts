import type { ConnectionId } from '@entente/protocol'
import { objectNames } from '../agree/narrow-proposal.js'
import type { ObjectName } from '../api/index.js'
import type { EngineContext } from '../context.js'
import { EngineError } from '../error.js'
import { type Row, valueOf } from '../row/row.js'
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

/** One person's grant. */
export interface Grant {
  readonly id: string
  readonly at: number
  /** The objects that the person may export. */
  readonly objects: readonly ObjectName[]
  /** When it runs out: milliseconds since 1970, by the relay's clock. */
  readonly until: number | undefined
}

/** Who was granted the export over a connection, the oldest grant first, and the number of seats. */
export interface Grants {
  readonly granted: readonly Grant[]
  readonly seats: number
}

/** Milliseconds since 1970 by this device's clock, corrected by the relay's: by it grants run out. */
export function correctedNow({ clock, link }: Pick<EngineContext, 'clock' | 'link'>): number {
  return clock.now() + link.clockOffset
}

/** The grants that stand: those that ran out are left out, and take no seat. */
export function grantsOf(rows: Rows, connection: ConnectionId, now: number): Grants {
  const start = grantRowId(connection, '')
  const people = [...rows.list('Grant').keys()].filter((id) => id.startsWith(start)).map((id) => id.slice(start.length))
  return grantsAmong(rows, connection, people, now)
}

/** The grants of these people. */
export function grantsAmong(rows: RowReader, connection: ConnectionId, people: Iterable<string>, now: number): Grants {
  const granted = [...people].flatMap((id) => {
    const grant = readGrant(rows.get('Grant', grantRowId(connection, id)), id)
    return grant && (grant.until === undefined || grant.until > now) ? [grant] : []
  })
  granted.sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1))
  return { granted, seats: seatsOf(rows, connection) }
}

function readGrant(row: Row | undefined, id: string): Grant | undefined {
  if (valueOf(row, 'granted') !== true) return undefined
  const [at, until, only] = [valueOf(row, 'at'), valueOf(row, 'until'), valueOf(row, 'objects')]
  return {
    id,
    at: typeof at === 'number' ? at : 0,
    objects: Array.isArray(only) ? objectNames.filter((name) => only.includes(name)) : objectNames,
    until: typeof until === 'number' ? until : undefined,
  }
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
export function hasSeat(rows: Rows, connection: ConnectionId, person: string, now: number, object?: ObjectName): boolean {
  return seatObstacle(rows, connection, person, now, object) === undefined
}

/** Why a person has no grant with a seat for an object (any one if not given); undefined for one who has. */
export function seatObstacle(
  rows: Rows,
  connection: ConnectionId,
  person: string,
  now: number,
  object?: ObjectName,
): EngineError | undefined {
  const { granted, seats } = grantsOf(rows, connection, now)
  const rank = granted.findIndex((grant) => grant.id === person)
  const refuse = (message: string): EngineError =>
    new EngineError('NOT_ALLOWED', `${message} An admin of the vendor has to grant the export.`)
  if (rank < 0) {
    const ranOut = readGrant(rows.get('Grant', grantRowId(connection, person)), person) !== undefined
    return refuse(ranOut ? 'The grant of this person has run out.' : 'This person has no grant with a seat.')
  }
  if (rank >= seats) return refuse('This person has no grant with a seat: all seats are taken by earlier grants.')
  if (object === undefined || granted[rank]?.objects.includes(object) === true) return undefined
  return refuse(`The grant of this person is not for ${object === 'Lead' ? 'leads' : 'opportunities'}.`)
}

/** When the next grant runs out, of all connections; undefined where none does. */
export function nextExpiry(rows: Rows, now: number): number | undefined {
  let next: number | undefined
  for (const row of rows.list('Grant').values()) {
    const until = readGrant(row, '')?.until
    if (until !== undefined && until > now && until < (next ?? Infinity)) next = until
  }
  return next
}

/** The own org's people, without the integration users: by name, in the same order at each device, or two of them would announce their lists over each other for good. */
export function ownPeople(rows: Rows): readonly { readonly id: string; readonly name: string }[] {
  const people: { id: string; name: string }[] = []
  for (const row of rows.list('User').values()) {
    const name = valueOf(row, 'name')
    if (valueOf(row, 'role') !== 'integration' && valueOf(row, 'removed') !== true && typeof name === 'string')
      people.push({ id: row.id, name })
  }
  return people.sort((a, b) => (`${a.name} ${a.id}` < `${b.name} ${b.id}` ? -1 : 1))
}
