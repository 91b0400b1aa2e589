import { type Key, parseConnectionId, parseKey } from '@entente/protocol'
import { decodeJwt } from 'jose'
import * as v from 'valibot'
import { adoptionKey, adoptionTerms, type AdoptionTerms, isOfParties, joinAdoptions } from '../agree/adoption.js'
import type { EngineContext } from '../context.js'
import { nextTurn } from '../port/clock.js'
import type { Reconciler } from '../reconcilers.js'
import type { EarlierRecords } from '../connect/connections.js'
import { mirrorFeed } from '../mirror/mirror-view.js'
import { convertedRegister, isDeleted } from '../records/records.js'
import { isBegun, isEnd } from '../replica/existence.js'
import { isOver, textOf } from '../replica/feed-role.js'
import { registerOf, type Row, valueOf } from '../row/row.js'
import type { RowEdit } from '../row/rows.js'
import type { Value } from '../schema/value.js'
import { mapIdOfAdopted } from '../share/listing-id.js'
import { type ConnectionFacts, connectionFacts, enabledConnections, messageEdit, messageId } from '../connect/connection-facts.js'
import { readDecision, Refusals } from '../connect/peer-decision.js'

/** Record maps that one transaction carries on. */
const sliceMaps = 250

type Reading = Pick<EngineContext, 'rows' | 'replica'>

/** An earlier connection of the same vendor and partner, with the record maps that may carry on. */
interface Earlier {
  readonly row: Row
  readonly maps: readonly Row[]
}

/** The earlier connections between the two orgs of a connection in the same roles, with the record maps that nothing carries on yet. */
function earlierConnections({ rows, replica }: Reading, present: Row): readonly Earlier[] {
  const parties = (row: Row): string => `${textOf(row, 'vendor') ?? ''} ${textOf(row, 'partner') ?? ''}`
  return [...rows.list('Connection').values()].flatMap((row) => {
    if (row.id === present.id || !isOver(row) || parties(row) !== parties(present)) return []
    const maps = [...replica.recordMaps.mapsOfConnection(row.id)].flatMap((id) => {
      const map = rows.get('RecordMap', id)
      return map && isBegun(map) && textOf(map, 'carriedOn') === undefined ? [map] : []
    })
    // Also one of which this org has lost all maps: the other org’s carry on, and what was lost can be exported again.
    return [{ row, maps }]
  })
}

/** Whether a record map that carries on has something to flow: what a person stopped or recalled, and what was deleted or converted on either side, has not. */
function flowsAgain({ rows, replica }: Reading, earlier: Row, map: Row): boolean {
  const object = textOf(map, 'object') === 'Opportunity' ? 'Opportunity' : 'Lead'
  const record = rows.get(object, textOf(map, 'record') ?? '')
  if (valueOf(map, 'on') === false || !record || isDeleted(record) || textOf(record, convertedRegister) !== undefined) return false
  const side = connectionFacts(earlier)?.side
  const theirs = side && replica.peerDocs(mirrorFeed(parseConnectionId(earlier.id), side, object)).get(parseKey(map.id))?.exists?.[1]
  // Every doc ends with its connection: that end is of no record.
  return !isEnd(theirs) || theirs === 'ended'
}

/** What connecting needs to know of earlier connections with the same org. */
export function createAdoptions(context: EngineContext): EarlierRecords {
  return {
    count: (row) =>
      earlierConnections(context, row).reduce(
        (sum, { row: earlier, maps }) => sum + maps.filter((map) => flowsAgain(context, earlier, map)).length,
        0,
      ),
    async decide(connection, row) {
      const edits: RowEdit[] = []
      for (const { row: earlier } of earlierConnections(context, row)) {
        const from = parseConnectionId(earlier.id)
        const terms: AdoptionTerms = { from, salt: textOf(earlier, 'salt') ?? '', maps: 'all', flows: true }
        const body = await context.identity.signDecision('adoption', { connection: connection.id, ...terms })
        edits.push(messageEdit(connection.ownMessages, adoptionKey(from), body))
      }
      return edits
    },
  }
}

/** Carries on the record maps of earlier connections, once both orgs have decided it (rules RA1 and RA2). */
export function adoptionReconciler(context: EngineContext): Reconciler<ConnectionFacts> {
  const { rows, replica, clock } = context
  const refusals = new Refusals(context)
  const done = new Set<string>()
  return {
    name: 'record maps that carry on',
    subjects: () => enabledConnections(rows).filter(({ confirmed }) => confirmed),
    async react(connection) {
      const row = rows.get('Connection', connection.id)
      if (!row) return
      for (const [own, body] of ownDecisions(connection)) {
        const name = `${connection.id}/${own.from}`
        if (done.has(name)) continue
        const peer = await peerTerms(connection, adoptionKey(own.from))
        const [vendor, partner] = connection.side === 'vendor' ? [own, peer] : [peer, own]
        const joined = vendor && partner && joinAdoptions(vendor, partner)
        const [vendorId, partnerId] = [textOf(row, 'vendor'), textOf(row, 'partner')]
        if (!joined || !vendorId || !partnerId) continue
        const earlier = earlierConnections(context, row).find((each) => each.row.id === joined.from)
        if (
          earlier &&
          isOfParties(joined, connection.side === 'vendor' ? context.org.id : connection.peer, otherOf(connection), connection.id)
        )
          await carryOn(connection, joined, earlier.maps, body)
        done.add(name)
      }
    },
  }

  function otherOf(connection: ConnectionFacts): ConnectionFacts['peer'] {
    return connection.side === 'vendor' ? connection.peer : context.org.id
  }

  function ownDecisions(connection: ConnectionFacts): readonly (readonly [AdoptionTerms, Row])[] {
    const row = rows.get('Connection', connection.id)
    return [...rows.list('Connection').keys()].flatMap((id) => {
      const message = row && rows.get('Message', messageId(connection.ownMessages, adoptionKey(parseConnectionId(id))))
      const body = textOf(message, 'body')
      const terms = body === undefined ? undefined : v.safeParse(adoptionTerms, decodeJwt(body))
      return message && terms?.success ? [[terms.output, message] as const] : []
    })
  }

  async function peerTerms(connection: ConnectionFacts, key: Key): Promise<AdoptionTerms | undefined> {
    const body = replica.inbox(connection.peerMessages).get(key)?.body ?? null
    const message = `${connection.id}/${key}`
    if (body === null || refusals.has(message, body)) return undefined
    const decision = await readDecision(context, connection, 'adoption', body, adoptionTerms, 'admin')
    if (decision.ok) return decision.terms
    refusals.note(connection, message, body, 'The decision that earlier records carry on', decision.reason)
    return undefined
  }

  /** The new map has the stamp of the own decision, on every device that makes it, so that none takes back what a person decided since. */
  async function carryOn(
    connection: ConnectionFacts,
    { from, maps: named, flows }: AdoptionTerms,
    maps: readonly Row[],
    decision: Row,
  ): Promise<void> {
    const stamp = registerOf(decision, 'body')?.[0]
    const due = maps.filter(({ id }) => named === 'all' || named.includes(parseKey(id)))
    for (let start = 0; start < due.length; start += sliceMaps) {
      const edits = due.slice(start, start + sliceMaps).flatMap((map): RowEdit[] => {
        const id = mapIdOfAdopted(connection, from, parseKey(map.id))
        const values: Record<string, Value> = {}
        for (const [field, [, value]] of Object.entries(map.registers)) values[field] = value
        // What a person stopped stays stopped. What was deleted or converted follows from the record (rule ER2).
        const on = flows && values['on'] !== false
        return [
          { object: 'RecordMap', id, values: { ...values, connection: connection.id, adopted: map.id, on }, ...(stamp && { stamp }) },
          { object: 'RecordMap', id: map.id, values: { carriedOn: id } },
        ]
      })
      await rows.save(edits)
      await nextTurn(clock)
    }
  }
}
