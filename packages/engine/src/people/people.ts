import type { ConnectionId } from '@entente/protocol'
import { toBase64UrlEncoded } from 'lib0/buffer'
import { utf8ByteLength } from 'lib0/string'
import * as v from 'valibot'
import { objectNames } from '../agree/narrow-proposal.js'
import type { GrantTerms, PeopleApi } from '../api/index.js'
import { EngineError } from '../error.js'
import { type ConnectionFacts, requireConnection, whileConnected } from '../connect/connection-facts.js'
import { asLeader, type EngineContext } from '../context.js'
import { SerialQueue } from '../flow/serial-queue.js'
import { checkedName } from '../name.js'
import type { Reconciler } from '../reconcilers.js'
import { instant, mostCount } from '../schema/numbers.js'
import { sideOf } from '../replica/feed-role.js'
import { valueOf } from '../row/row.js'
import { announcementReconciler, ownUserReconciler } from './announcement-reconciler.js'
import { departureReconciler } from './departure-reconciler.js'
import {
  announcedPeople,
  announcedRowId,
  correctedNow,
  type Grant,
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
/** How many of those who hold the seats a refusal names. */
const namedHolders = 10

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
  /** @throws EngineError TOO_MANY with the names of those who hold the seats */
  const requireSeat = (connection: ConnectionId, { granted, seats }: Grants, person: string): void => {
    if (granted.some((each) => each.id === person)) return
    if (granted.length >= seats) {
      const holders = namesOf(connection, granted.slice(0, namedHolders))
      const more = granted.length > namedHolders ? ` and ${granted.length - namedHolders} more` : ''
      const held = granted.length === 0 ? '' : `: ${holders.join(', ')}${more} ${granted.length === 1 ? 'has it' : 'have them'}`
      throw new EngineError('TOO_MANY', `All seats are taken (${seats})${held}. Revoke a grant or add a seat first.`)
    }
    requireRoom([...granted, { ...granted[0], id: person }], 'As many people may export as one list can name. Revoke a grant first.')
  }
  const namesOf = (connection: ConnectionId, grants: readonly Grant[]): readonly string[] =>
    grants.map(({ id }) => peopleOf(connection).find((person) => person.id === id)?.name ?? 'somebody who is not announced any more')
  const peopleOf = (connection: ConnectionId): readonly { readonly id: string; readonly name: string }[] => {
    return sideOf(rows.get('Connection', connection)) === 'partner' ? ownPeople(rows) : announcedPeople(rows, connection)
  }

  /** @param people of whom this tab knows, so whose grants decide whether a seat is free */
  const saveGrant = async (facts: ConnectionFacts, person: string, terms: GrantTerms, people: ReadonlySet<string>): Promise<void> => {
    const { id: connection } = facts
    const others: string[] = []
    const condition = whileConnected(facts, {
      reads: [
        { object: 'Setting', id: seatsRowId(connection) },
        { object: 'Announcement', id: announcedRowId(connection) },
        ...[...people].map((id) => ({ object: 'Grant', id: grantRowId(connection, id) })),
      ],
      holds(stored) {
        for (const { id } of announcedPeople(stored, connection)) if (!people.has(id)) others.push(id)
        if (others.length > 0) return false
        requireSeat(connection, grantsAmong(stored, connection, people, correctedNow(context)), person)
        return true
      },
    })
    // Who has a grant keeps its place: the earliest grants have the seats.
    const since = grantsOf(rows, connection, correctedNow(context)).granted.find((each) => each.id === person)?.at ?? clock.now()
    const values = { granted: true, by: context.user.id, at: since, objects: terms.objects ?? objectNames, until: terms.until ?? null }
    await rows.save([{ object: 'Grant', id: grantRowId(connection, person), values }], condition)
    // Another tab has heard of more people, so it may have granted them seats: their grants are read, too.
    if (others.length > 0) await saveGrant(facts, person, terms, new Set([...people, ...others]))
  }

  const api: PeopleApi = {
    list(connection) {
      const now = correctedNow(context)
      const ranks = new Map(grantsOf(rows, connection, now).granted.map(({ id }, rank) => [id, rank]))
      const seats = seatsOf(rows, connection)
      // Those that ran out are shown with their end.
      const grants = new Map(grantsOf(rows, connection, 0).granted.map((grant) => [grant.id, grant]))
      return peopleOf(connection).map((person) => {
        const [grant, rank] = [grants.get(person.id), ranks.get(person.id)]
        const { objects = [], until } = grant ?? {}
        return { ...person, granted: rank !== undefined, seated: rank !== undefined && rank < seats, objects, until }
      })
    },
    seats: (connection) => ({ total: seatsOf(rows, connection), used: grantsOf(rows, connection, correctedNow(context)).granted.length }),
    async setSeats(connection, total) {
      const facts = requireDecider(connection)
      if (!Number.isSafeInteger(total) || total < 0 || total > mostCount)
        throw new EngineError('INVALID', 'The number of seats must be a whole number from 0 to a million. Correct it.')
      await rows.save([{ object: 'Setting', id: seatsRowId(connection), values: { value: total } }], whileConnected(facts))
    },
    async grant(connection, person, terms = {}) {
      const facts = requireDecider(connection)
      if (!peopleOf(connection).some((each) => each.id === person))
        throw new EngineError('NOT_FOUND', 'The partner has announced no such person. Choose another one.')
      if (terms.objects?.length === 0) throw new EngineError('INVALID', 'A grant is for leads, for opportunities or for both. Choose one.')
      if (terms.until !== undefined && (!v.is(instant, terms.until) || terms.until <= correctedNow(context)))
        throw new EngineError('INVALID', 'A grant ends in the future. Choose a later time.')
      const { granted } = grantsOf(rows, connection, 0)
      requireSeat(connection, grantsOf(rows, connection, correctedNow(context)), person)
      await saveGrant(facts, person, terms, new Set([...peopleOf(connection), ...granted].map(({ id }) => id)))
    },
    async revoke(connection, person) {
      const facts = requireDecider(connection)
      if (!grantsOf(rows, connection, 0).granted.some((each) => each.id === person)) return
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
      await context.changeRoster((devices) => devices.filter(({ person }) => person !== id))
      await rows.save([{ object: 'User', id, values: { removed: true } }])
    },
  }
  const leader = asLeader(context)
  return { api, reconcilers: [ownUserReconciler(leader), announcementReconciler(leader), departureReconciler(leader)] }
}
