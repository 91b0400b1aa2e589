import type { ConnectionId } from '@entente/protocol'
import { toBase64UrlEncoded } from 'lib0/buffer'
import { utf8ByteLength } from 'lib0/string'
import type { PeopleApi } from '../api/index.js'
import { EngineError } from '../error.js'
import { type ConnectionFacts, requireConnection, whileConnected } from '../connect/connection-facts.js'
import type { EngineContext } from '../context.js'
import { SerialQueue } from '../flow/serial-queue.js'
import { checkedName } from '../name.js'
import type { Reconciler } from '../reconcilers.js'
import { mostCount } from '../schema/numbers.js'
import { sideOf } from '../replica/feed-role.js'
import { valueOf } from '../row/row.js'
import { announcementReconciler, ownUserReconciler } from './announcement-reconciler.js'
import { departureReconciler } from './departure-reconciler.js'
import {
  announcedPeople,
  announcedRowId,
  grantRowId,
  type Grants,
  grantsAmong,
  grantsOf,
  ownPeople,
  seatsOf,
  seatsRowId,
} from './grants.js'

/** Both lists travel as one signed message each. At most so many lines and bytes of JSON, so that it always fits (rule IS3). */
const [maxLines, maxListBytes] = [1_000, 44_000]

/** @throws EngineError TOO_MANY for a list that could not travel */
function requireRoom(list: readonly object[], message: string): void {
  if (list.length > maxLines || utf8ByteLength(JSON.stringify(list)) > maxListBytes) throw new EngineError('TOO_MANY', message)
}

/** Decides who may export: the vendor's admin grants it to people of the partner, each with a seat. */
export function createPeople(context: EngineContext): { readonly api: PeopleApi; readonly reconcilers: readonly Reconciler[] } {
  const { rows, clock, random } = context
  const additions = new SerialQueue()

  const requireAdmin = (message: string): void => {
    if (context.user.role !== 'admin') throw new EngineError('NOT_ALLOWED', `${message} Ask an admin of your org.`)
  }
  const requireDecider = (connection: ConnectionId): ConnectionFacts => {
    requireAdmin('Only an admin decides who may export.')
    return requireConnection(rows, connection, 'vendor')
  }
  /** @returns false where the person has a grant already */
  const requireSeat = ({ granted, seats }: Grants, person: string): boolean => {
    if (granted.some((each) => each.id === person)) return false
    if (granted.length >= seats) throw new EngineError('TOO_MANY', `All seats are taken (${seats}). Revoke a grant or add a seat first.`)
    requireRoom([...granted, { id: person, at: clock.now() }], 'As many people may export as one list can name. Revoke a grant first.')
    return true
  }
  const peopleOf = (connection: ConnectionId): readonly { readonly id: string; readonly name: string }[] => {
    return sideOf(rows.get('Connection', connection)) === 'partner' ? ownPeople(rows) : announcedPeople(rows, connection)
  }

  /** @param people of whom this tab knows, so whose grants decide whether a seat is free */
  const saveGrant = async (facts: ConnectionFacts, person: string, people: ReadonlySet<string>): Promise<void> => {
    const { id: connection } = facts
    const values = { granted: true, by: context.user.id, at: clock.now() }
    const others: string[] = []
    const condition = whileConnected(facts, {
      reads: [
        { object: 'Setting', id: seatsRowId(connection) },
        { object: 'Announcement', id: announcedRowId(connection) },
        ...[...people].map((id) => ({ object: 'Grant', id: grantRowId(connection, id) })),
      ],
      holds(stored) {
        for (const { id } of announcedPeople(stored, connection)) if (!people.has(id)) others.push(id)
        return others.length === 0 && requireSeat(grantsAmong(stored, connection, people), person)
      },
    })
    await rows.save([{ object: 'Grant', id: grantRowId(connection, person), values }], condition)
    // Another tab has heard of more people, so it may have granted them seats: their grants are read, too.
    if (others.length > 0) await saveGrant(facts, person, new Set([...people, ...others]))
  }

  const api: PeopleApi = {
    list(connection) {
      const granted = new Set(grantsOf(rows, connection).granted.map((grant) => grant.id))
      return peopleOf(connection).map((person) => ({ ...person, granted: granted.has(person.id) }))
    },
    seats: (connection) => ({ total: seatsOf(rows, connection), used: grantsOf(rows, connection).granted.length }),
    async setSeats(connection, total) {
      const facts = requireDecider(connection)
      if (!Number.isSafeInteger(total) || total < 0 || total > mostCount)
        throw new EngineError('INVALID', 'The number of seats must be a whole number from 0 to a million. Correct it.')
      await rows.save([{ object: 'Setting', id: seatsRowId(connection), values: { value: total } }], whileConnected(facts))
    },
    async grant(connection, person) {
      const facts = requireDecider(connection)
      if (!peopleOf(connection).some((each) => each.id === person))
        throw new EngineError('NOT_FOUND', 'The partner has announced no such person. Choose another one.')
      if (!requireSeat(grantsOf(rows, connection), person)) return
      const people = new Set([...peopleOf(connection), ...grantsOf(rows, connection).granted].map(({ id }) => id))
      await saveGrant(facts, person, people)
    },
    async revoke(connection, person) {
      const facts = requireDecider(connection)
      if (!grantsOf(rows, connection).granted.some((each) => each.id === person)) return
      const values = { granted: false, by: context.user.id, at: clock.now() }
      await rows.save([{ object: 'Grant', id: grantRowId(connection, person), values }], whileConnected(facts))
    },
    users() {
      return [...rows.list('User').values()].flatMap((row) => {
        const [name, role] = [valueOf(row, 'name'), valueOf(row, 'role')]
        const known = (['admin', 'member', 'integration'] as const).find((each) => each === role)
        return typeof name === 'string' && known && valueOf(row, 'removed') !== true ? [{ id: row.id, name, role: known }] : []
      })
    },
    async addUser(name, role) {
      requireAdmin('Only an admin adds users.')
      const added = checkedName(name, 'The name of the person')
      const id = toBase64UrlEncoded(random(16))
      // One after the other: two at once would both find the last room.
      await additions.run(async () => {
        requireRoom([...ownPeople(rows), { id, name: added }], 'Your org has as many people as one list can name. Remove somebody first.')
        await rows.save([{ object: 'User', id, values: { name: added, role } }])
      })
      return id
    },
    async removeUser(id) {
      requireAdmin('Only an admin removes users.')
      if (id === context.user.id) throw new EngineError('NOT_ALLOWED', 'Nobody removes themselves. Ask another admin of your org.')
      const row = rows.get('User', id)
      if (!row || valueOf(row, 'role') === 'integration' || valueOf(row, 'removed') === true)
        throw new EngineError('NOT_FOUND', 'There is no such person in your org. Look at the list again.')
      await rows.save([{ object: 'User', id, values: { removed: true } }])
    },
  }
  return { api, reconcilers: [ownUserReconciler(context), announcementReconciler(context), departureReconciler(context)] }
}
