import { compareStamps, parseKey } from '@entente/protocol'
import * as v from 'valibot'
import { objectNames } from '../agree/narrow-proposal.js'
import { type ConnectionFacts, enabledConnections, messageEdit, messageId } from '../connect/connection-facts.js'
import { Refusals } from '../connect/peer-decision.js'
import type { EngineContext } from '../context.js'
import { verifyDecision } from '../identity/decision.js'
import type { Reconciler } from '../reconcilers.js'
import { count, instant } from '../schema/numbers.js'
import { isSameValue, parseValue, type Value } from '../schema/value.js'
import { registerOf, valueOf } from '../row/row.js'
import type { RowEdit } from '../row/rows.js'
import { siteRowId, siteTerms, storedSite } from '../settings/partner-site.js'
import { announcedRowId, grantRowId, grantsOf, ownPeople, seatsRowId } from './grants.js'

/** Who announces what, in which words it is refused, and what its edits are. */
const announcers = { people: 'partner', grants: 'vendor', site: 'vendor' } as const
type Announcement = keyof typeof announcers
const announcements = Object.keys(announcers) as readonly Announcement[]
const namesOf: Readonly<Record<Announcement, string>> = {
  people: 'A list of people',
  grants: 'A list of grants',
  site: 'The look of the partner site',
}

const name = v.pipe(v.string(), v.minLength(1), v.maxLength(200))
export const peopleTerms = v.looseObject({ people: v.pipe(v.array(v.object({ id: name, name })), v.maxLength(1_000)) })
export const grantTerms = v.looseObject({
  granted: v.pipe(
    v.array(
      v.object({ id: name, at: instant, objects: v.exactOptional(v.array(v.picklist(objectNames))), until: v.exactOptional(instant) }),
    ),
    v.maxLength(1_000),
  ),
  seats: count,
})

/** Keeps the row of the person at this device. */
export function ownUserReconciler({ rows, user }: EngineContext): Reconciler {
  return {
    name: 'own user',
    subjects: () => (rows.get('User', user.id) ? [] : [user]),
    async react({ id }) {
      await rows.save([{ object: 'User', id, values: { name: user.name, role: user.role } }])
    },
  }
}

/**
 * The partner announces its people, the vendor announces which of them may export and how its partner site looks. Each announcement is a signed decision, published
 * again when it changes, and taken in by the other side (rules PE1 to PE4).
 */
export function announcementReconciler(context: EngineContext): Reconciler<ConnectionFacts> {
  const { rows, replica, identity } = context
  const refusals = new Refusals(context)
  const editsBy = { people: peopleEdits, grants: grantEdits, site: siteEdits }
  return {
    name: 'people',
    subjects: () => enabledConnections(rows),
    async react(connection) {
      const isOwn = (type: Announcement): boolean => announcers[type] === connection.side
      for (const type of announcements) if (!isOwn(type)) await hear(connection, type)
      // The other org takes them of an admin's device only.
      if (context.user.role !== 'admin') return
      for (const type of announcements) {
        // What a member's device says counts for nothing, and would take the place of what an admin's said.
        const terms = isOwn(type) && context.user.role === 'admin' ? termsOf(connection, type) : undefined
        if (terms) await announce(connection, type, terms)
      }
    },
  }

  /** What this side has to say now; undefined for nothing. */
  function termsOf(connection: ConnectionFacts, type: Announcement): object | undefined {
    if (type === 'people') return { people: ownPeople(rows) }
    if (type === 'grants') return grantTermsOf(connection)
    // How a site looks may tell of what is sold there: it waits until both have compared the codes.
    return connection.confirmed ? storedSite(rows, connection.id) : undefined
  }

  /** Publishes the terms where they differ from the last announcement. */
  async function announce(connection: ConnectionFacts, type: Announcement, terms: object): Promise<void> {
    const content = toValue(terms)
    const said = `${connection.id}:${type}`
    const present = rows.get('Message', messageId(connection.ownMessages, type))
    if (present && isSameValue(valueOf(rows.get('Announcement', said), 'content') ?? null, content)) return
    const jws = await identity.signDecision(type, { connection: connection.id, ...terms })
    await rows.save([{ object: 'Announcement', id: said, values: { content } }, messageEdit(connection.ownMessages, type, jws)])
  }

  /**
   * Takes in what the peer says, under the stamps under which it says it. So a device that a relay shows what is past takes nothing back that another
   * device of the org has heard since (rule NB5).
   */
  async function hear(connection: ConnectionFacts, type: Announcement): Promise<void> {
    const said = replica.inbox(connection.peerMessages).get(parseKey(type))
    const message = `${connection.id}/${type}`
    const heard = registerOf(rows.get('Announcement', `${message}:heard`), 'content')
    if (!said || (heard && compareStamps(said.stamp, heard[0]) <= 0)) return
    const { body, stamp } = said
    if (typeof body !== 'string' || refusals.has(message, body)) return
    const what = namesOf[type]
    const requirement = { org: connection.peer, connection: connection.id, role: 'admin' } as const
    const verified = await verifyDecision(body, type, context.rosters, requirement)
    if (!verified.ok) return refusals.note(connection, message, body, what, verified.reason)
    const edits = editsBy[type](connection, verified.decision)
    if (!edits) return refusals.note(connection, message, body, what, 'it is not of the agreed form')
    const all: readonly RowEdit[] = [{ object: 'Announcement', id: `${message}:heard`, values: { content: body } }, ...edits]
    await rows.save(all.map((edit) => ({ ...edit, stamp })))
  }

  function siteEdits(connection: ConnectionFacts, decision: object): readonly RowEdit[] | undefined {
    const parsed = v.safeParse(siteTerms, decision, { abortEarly: true })
    return parsed.success ? [{ object: 'Setting', id: siteRowId(connection.id), values: { value: toValue(parsed.output) } }] : undefined
  }

  /** A grant that has run out stays in the list until somebody takes it back: both sides know when it ended. */
  function grantTermsOf({ id: connection }: ConnectionFacts): object {
    const { granted, seats } = grantsOf(rows, connection, 0)
    const all = objectNames.length
    return {
      granted: granted.map(({ id, at, objects, until }) => ({
        id,
        at,
        ...(objects.length < all && { objects }),
        ...(until !== undefined && { until }),
      })),
      seats,
    }
  }

  function peopleEdits(connection: ConnectionFacts, decision: object): readonly RowEdit[] | undefined {
    const parsed = v.safeParse(peopleTerms, decision, { abortEarly: true })
    return parsed.success
      ? [{ object: 'Announcement', id: announcedRowId(connection.id), values: { content: toValue(parsed.output.people) } }]
      : undefined
  }

  function grantEdits(connection: ConnectionFacts, decision: object): readonly RowEdit[] | undefined {
    const parsed = v.safeParse(grantTerms, decision, { abortEarly: true })
    if (!parsed.success) return undefined
    const { granted, seats } = parsed.output
    const edits: RowEdit[] = [{ object: 'Setting', id: seatsRowId(connection.id), values: { value: seats } }]
    for (const { id, at, objects = objectNames, until = null } of granted)
      edits.push({ object: 'Grant', id: grantRowId(connection.id, id), values: { granted: true, at, objects, until } })
    for (const { id } of grantsOf(rows, connection.id, 0).granted) {
      if (!granted.some((each) => each.id === id))
        edits.push({ object: 'Grant', id: grantRowId(connection.id, id), values: { granted: false } })
    }
    return edits
  }
}

function toValue(content: object): Value {
  const parsed = parseValue(content)
  return parsed.ok ? parsed.value : null
}
