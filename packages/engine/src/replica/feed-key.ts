import { type FeedName, type Key, type OrgId, parseConnectionId, parseFeedName, parseKey } from '@entente/protocol'
import { type Row, valueOf } from '../row/row.js'
import type { RowStep } from '../row/rows.js'
import type { TeamNames } from '../seal/keys.js'
import { carriedFields } from './desired-state.js'
import { connectionFeed, type FeedRole, isMessage, isMessages, sideOf, teamFeed, textOf, topicByObject } from './feed-role.js'
import type { AllRows, RowsView } from './rows-view.js'
import type { Address } from './stored.js'

/** A key of a feed, with the address of the row that it carries. */
export interface FeedKey {
  readonly feed: FeedName
  readonly key: Key
  readonly address: Address
}

/** The text by which maps hold a feed key. */
export const feedKeyName = (feed: FeedName, key: Key): string => `${feed}#${key}`

/** The text by which sets hold a row's address. */
export const addressName = (address: Address): string => address.join('\n')

/** The id of a Message or ControlEntry row: `<feed>#<key>`. */
export const messageRowId = (feed: FeedName, key: Key): string => `${feed}#${key}`

/** The feed key of a Message or ControlEntry row. */
export function messageFeedKey(row: Row): FeedKey | undefined {
  const [feed = '', key = ''] = row.id.split('#')
  try {
    return { feed: parseFeedName(feed), key: parseKey(key), address: [row.object, row.id] }
  } catch {
    return undefined
  }
}

/** The feed key of a record map's doc. */
export function docFeedKey(mapId: string, rows: RowsView): FeedKey | undefined {
  const map = rows.get('RecordMap', mapId)
  const connection = textOf(map, 'connection')
  const topic = topicByObject[textOf(map, 'object') ?? '']
  const side = connection ? sideOf(rows.get('Connection', connection)) : undefined
  if (!connection || !topic || !side) return undefined
  return { feed: connectionFeed(parseConnectionId(connection), side, topic), key: parseKey(mapId), address: ['RecordMap', mapId] }
}

/**
 * The feed keys whose desired state changed rows may change, each once.
 *
 * @param names undefined where rows do not go to the team feed
 */
export function feedKeysOfSteps(steps: readonly RowStep[], org: OrgId, rows: RowsView, names: TeamNames | undefined): FeedKey[] {
  const feedKeys = new Map<string, FeedKey>()
  for (const step of steps) {
    for (const feedKey of feedKeysOfStep(step, org, rows, names)) feedKeys.set(feedKeyName(feedKey.feed, feedKey.key), feedKey)
  }
  return [...feedKeys.values()]
}

function feedKeysOfStep(step: RowStep, org: OrgId, rows: RowsView, names: TeamNames | undefined): FeedKey[] {
  const { object, id } = step.after
  if (isMessage(object)) {
    const feedKey = messageFeedKey(step.after)
    return feedKey ? [feedKey] : []
  }
  const feedKeys: FeedKey[] = names ? [{ feed: teamFeed(org, 'rows'), key: names.key(object, id), address: [object, id] }] : []
  for (const map of mapsTouched(step, rows)) {
    const feedKey = docFeedKey(map, rows)
    if (feedKey) feedKeys.push(feedKey)
  }
  return feedKeys
}

function mapsTouched(step: RowStep, rows: RowsView): Iterable<string> {
  const { object, id } = step.after
  if (object === 'RecordMap') return [id]
  if (object === 'Agreement' || object === 'Connection') return rows.mapsOfConnection(id)
  if (!topicByObject[object]) return []
  return [...rows.mapsOfRecord(object, id)].filter((map) => isCarried(step, rows.get('RecordMap', map), rows))
}

/** Whether a step changed a field that a map's doc carries, so that other edits set no dirty flag. */
function isCarried(step: RowStep, map: Row | undefined, rows: RowsView): boolean {
  if (step.fields.includes('_deleted') || step.fields.includes('_converted')) return true
  const connection = textOf(map, 'connection')
  const topic = topicByObject[step.after.object]
  const side = connection ? sideOf(rows.get('Connection', connection)) : undefined
  if (!connection || !topic || !side) return false
  const carried = carriedFields(rows.get('Agreement', connection), topic, side)
  return carried !== undefined && [...carried.bySlot.values()].some((field) => step.fields.includes(field))
}

/**
 * Every key of an own feed under which a row may have a desired state: for a feed that is new, or that the relay has lost.
 *
 * @param without rows of a team to leave out, by `addressName`: to name a row takes ten times as long as to find it here
 */
export function* feedKeysOfFeed(
  feed: FeedName,
  feedRole: FeedRole,
  allRows: AllRows,
  rows: RowsView,
  names: TeamNames | undefined,
  without: ReadonlySet<string> = new Set(),
): Iterable<FeedKey> {
  if (feedRole.kind === 'team' && feedRole.topic !== 'messages') {
    for (const object of names ? allRows.objects() : []) {
      if (isMessage(object)) continue
      for (const id of allRows.list(object).keys())
        if (names && !without.has(addressName([object, id]))) yield { feed, key: names.key(object, id), address: [object, id] }
    }
    return
  }
  for (const feedKey of isMessages(feedRole) ? messageKeys(allRows) : docKeys(feedRole, rows)) if (feedKey?.feed === feed) yield feedKey
}

function* messageKeys(allRows: AllRows): Iterable<FeedKey | undefined> {
  for (const object of ['Message', 'ControlEntry']) for (const row of allRows.list(object).values()) yield messageFeedKey(row)
}

function* docKeys(feedRole: FeedRole, rows: RowsView): Iterable<FeedKey | undefined> {
  if (feedRole.kind === 'connection') for (const map of rows.mapsOfConnection(feedRole.connection)) yield docFeedKey(map, rows)
}

/** The rows that decide a feed key's desired state: a transaction that clears its dirty flag must read them. */
export function addressesOf({ address }: FeedKey, rows: RowsView): Address[] {
  const [object, id] = address
  if (object !== 'RecordMap') return [address]
  const map = rows.get(object, id)
  const [connection, topicObject, record] = ['connection', 'object', 'record'].map((field) => valueOf(map, field))
  if (typeof connection !== 'string' || typeof record !== 'string' || typeof topicObject !== 'string' || !topicByObject[topicObject])
    return [address]
  return [address, [topicObject, record], ['Agreement', connection], ['Connection', connection]]
}
