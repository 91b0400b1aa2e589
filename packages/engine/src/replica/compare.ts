import { type FeedName, type Key, type OrgId, otherSide, policyKey } from '@entente/protocol'
import { messagePlaceOf, type Place, placesOf, docPlace, type Wanted, wantedAt } from './carriage.js'
import type { Holdings } from './holdings.js'
import { readPolicy } from './policy.js'
import { connectionFeed, type Meaning, meaningOf, type RowsView, teamFeed, topicByObject } from './meaning.js'
import { type LeftOut, type Need, needOf } from './project.js'
import type { Sealer } from './sealer.js'
import type { Address, Head } from './stored.js'
import type { RowStep } from '../row/rows.js'
import type { Row } from '../row/row.js'

/** All rows, for when a whole feed is compared with them. */
export interface AllRows {
  objects(): Iterable<string>
  list(object: string): ReadonlyMap<string, Row>
}

/** What comparing rows with what the relay is known to have stands on. */
export interface Comparing {
  readonly org: OrgId
  readonly sealer: Sealer
  readonly holdings: Holdings
  readonly allRows: AllRows
  readonly team: boolean
  readonly leftOut: ReadonlySet<LeftOut>
}

export interface Compared {
  readonly meaning: Meaning
  readonly wanted: Wanted
  readonly need: Need
}

/** What is wanted at a place and what must be done for it, by these rows and this head. */
export function compareAt(comparing: Comparing, place: Place, rows: RowsView, head: Head | undefined): Compared | undefined {
  const meaning = meaningOf(place.feed, comparing.org, rows)
  if (!meaning?.own) return undefined
  const wanted = wantedAt(meaning, place.address, rows, comparing.sealer.names)
  return { meaning, wanted, need: needOf(wanted, head, comparing.leftOut) }
}

/** The places, each once, that changed rows bear on. */
export function placesOfSteps(comparing: Comparing, steps: readonly RowStep[], rows: RowsView): Place[] {
  const places = new Map<string, Place>()
  const names = comparing.team ? comparing.sealer.names : undefined
  for (const step of steps) {
    for (const place of placesOf(step, comparing.org, rows, names)) places.set(placeName(place.feed, place.key), place)
  }
  return [...places.values()]
}

/** Every place of an own feed at which a row may want something: for a feed that the relay has lost, or that is new. */
export function placesOfFeed(comparing: Comparing, feed: FeedName, meaning: Meaning, rows: RowsView): Place[] {
  const { allRows, sealer } = comparing
  const places: (Place | undefined)[] = []
  if (meaning.kind === 'mailbox' || meaning.topic === 'messages') {
    for (const object of ['Message', 'Notice']) for (const row of allRows.list(object).values()) places.push(messagePlaceOf(row))
  } else if (meaning.kind === 'team') {
    const { names } = sealer
    for (const object of names ? allRows.objects() : []) {
      if (object === 'Message' || object === 'Notice') continue
      for (const id of allRows.list(object).keys()) if (names) places.push({ feed, key: names.key(object, id), address: [object, id] })
    }
  } else {
    for (const map of rows.mapsOfConnection(meaning.connection)) places.push(docPlace(map, rows))
  }
  return places.filter((place): place is Place => place?.feed === feed)
}

/** The rows on which the answer for a place depends: they must be read in the transaction that clears its mark. */
export function addressesOf({ address }: Place, rows: RowsView): Address[] {
  const [object, id] = address
  if (object !== 'RecordMap') return [address]
  const map = rows.get(object, id)
  const [connection, topicObject, record] = ['connection', 'object', 'record'].map((field) => map?.registers[field]?.[1])
  if (typeof connection !== 'string' || typeof record !== 'string' || typeof topicObject !== 'string' || !topicByObject[topicObject])
    return [address]
  return [address, [topicObject, record], ['Agreement', connection], ['Connection', connection]]
}

/**
 * Whether a place may be published now. A connection's doc waits until both sides have registered the agreement's version (else the relay would answer
 * WAIT), and until the team has its record map: or the record, lost with this device, would leave a doc that no one knows how to narrow. That the
 * connection has ended is told to the relay once all docs are erased: after that the peer reads no more (rule CN8).
 */
export function mayPublish(comparing: Comparing, place: Place, { meaning, wanted }: Compared): boolean {
  const { holdings, sealer, org, team, leftOut } = comparing
  if (meaning.kind !== 'connection') return true
  if (meaning.topic === 'messages') {
    if (place.key !== policyKey || wanted.kind !== 'notice' || !readPolicy(wanted.register[1])?.ended) return true
    return (['lead', 'opportunity'] as const).every((topic) => !holdings.isOpen(connectionFeed(meaning.connection, meaning.side, topic)))
  }
  const names = team && !leftOut.has('team-first') ? sealer.names : undefined
  if (names && holdings.mark(teamFeed(org, 'rows'), names.key(...place.address))) return false
  if (wanted.kind !== 'doc') return true
  const own = connectionFeed(meaning.connection, meaning.side, 'messages')
  const peer = connectionFeed(meaning.connection, otherSide(meaning.side), 'messages')
  if (holdings.mark(own, policyKey)) return false
  return [own, peer].every((feed) => policyVersion(holdings.head(feed, policyKey)) === wanted.version)
}

const versions = new WeakMap<Head, number | undefined>()

/** The version of a policy under which docs may flow: of one that ended the connection none may. */
function policyVersion(head: Head | undefined): number | undefined {
  if (!head || head.kind !== 'notice' || head.lost) return undefined
  if (!versions.has(head)) {
    const policy = readPolicy(head.body)
    versions.set(head, policy?.ended ? undefined : policy?.version)
  }
  return versions.get(head)
}

/** The text under which a place stands in maps. */
export const placeName = (feed: FeedName, key: Key): string => `${feed}#${key}`
