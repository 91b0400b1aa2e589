import type { ObjectName } from '../api/index.js'
import { agreementFacts } from '../agree/agreement-row.js'
import { type ConnectionFacts, enabledConnections, messageEdit, messageId } from '../connect/connection-facts.js'
import { objectNames } from '../agree/narrow-proposal.js'
import type { EngineContext } from '../context.js'
import { nextTurn } from '../port/clock.js'
import { isSameValue, isValueMap } from '../schema/value.js'
import type { Reconciler } from '../reconcilers.js'
import { isBegun } from '../replica/existence.js'
import { valueOf } from '../row/row.js'
import type { RowEdit } from '../row/rows.js'
import { freezeListing, isListingKey, listingKey, recordToListing } from './listing.js'
import { adoptedMap, listingId, mapIdOfListing } from './listing-id.js'
import { type VisibilityIndex, visibilityIndexesOf } from './visibility-index.js'

/** Listings in one transaction: many enough to be fast, few enough that the page draws in between. */
const sliceListings = 250
/** Listings that are compared in one go where none of them has changed. */
const sliceCompared = 50

/**
 * Keeps one sealed listing for each record that a partner sees, and takes back those of records that it sees no longer (rule SH1). Works on changed records.
 * Compares all listings once after the engine opened, which finds what a crash left behind.
 */
export function listingReconciler(context: EngineContext): Reconciler<ConnectionFacts> {
  const { rows, clock } = context
  const comparedConnections = new Set<string>()

  return {
    name: 'listings',
    subjects: () => enabledConnections(rows, 'vendor'),
    async react(connection) {
      for (const object of objectNames) await visibilityIndexesOf(context).catchUp(connection, object)
      const indexes = objectNames.map((object) => [object, visibilityIndexesOf(context).of(connection, object)] as const)
      if (!comparedConnections.has(connection.id)) {
        await save(
          strayListings(
            connection,
            indexes.map(([, index]) => index),
          ),
        )
        comparedConnections.add(connection.id)
      }
      for (const [object, index] of indexes) await update(connection, object, index)
    },
  }

  /** While the connection pauses, listings are only taken back (rule PA2). */
  async function update(connection: ConnectionFacts, object: ObjectName, index: VisibilityIndex): Promise<void> {
    const later = connection.paused ? [...index.pending].filter((record) => index.visible.has(record)) : []
    for (const record of later) index.pending.delete(record)
    try {
      await updatePending(connection, object, index)
    } finally {
      for (const record of later) index.pending.add(record)
    }
  }

  async function updatePending(connection: ConnectionFacts, object: ObjectName, index: VisibilityIndex): Promise<void> {
    while (index.pending.size > 0) {
      const slice: string[] = []
      const edits: RowEdit[] = []
      try {
        for (const record of index.pending) {
          // Taken out before the save, so that an edit during it puts the record back in; put back where the save fails.
          index.pending.delete(record)
          slice.push(record)
          const edit = listingEdit(connection, object, index, record)
          if (edit) edits.push(edit)
          if (slice.length >= (edits.length > 0 ? sliceListings : sliceCompared)) break
        }
        await save(edits)
      } catch (error) {
        for (const record of slice) index.pending.add(record)
        throw error
      }
      // Also where nothing had to be saved: after an org was opened, that is what all slices are like.
      if (index.pending.size > 0) await nextTurn(clock)
    }
  }

  function listingEdit(connection: ConnectionFacts, object: ObjectName, index: VisibilityIndex, record: string): RowEdit | undefined {
    const agreed = agreementFacts(rows.get('Agreement', connection.id)).effective?.objects[object]
    const row = rows.get(object, record)
    const id = index.visible.get(record) ?? listingId(connection, object, record)
    const key = listingKey(id)
    const present = valueOf(rows.get('Message', messageId(connection.ownMessages, key)), 'body') ?? null
    const adopted = adoptedMap(context, connection, object, record)
    const exported = isBegun(rows.get('RecordMap', adopted ?? mapIdOfListing(connection, id)))
    const isShown = agreed !== undefined && row !== undefined && index.visible.has(record)
    const shown = !isShown
      ? null
      : exported && present !== null
        ? freezeListing(present, agreed.fields, row)
        : recordToListing(object, id, row, agreed.fields)
    const body = isValueMap(shown) && adopted !== undefined ? { ...shown, map: adopted } : shown
    return isSameValue(body, present) ? undefined : messageEdit(connection.ownMessages, key, body)
  }

  /** The edits that take back listings of records that no rule shows any more. */
  function strayListings(connection: ConnectionFacts, indexes: readonly VisibilityIndex[]): RowEdit[] {
    const start = `${connection.ownMessages}#`
    const edits: RowEdit[] = []
    for (const row of rows.list('Message').values()) {
      const key = row.id.startsWith(start) ? row.id.slice(start.length) : ''
      if (!isListingKey(key) || indexes.some(({ recordsByListing }) => recordsByListing.has(key.slice(2)))) continue
      if ((valueOf(row, 'body') ?? null) === null) continue
      edits.push(messageEdit(connection.ownMessages, key, null))
    }
    return edits
  }

  async function save(edits: readonly RowEdit[]): Promise<void> {
    for (let start = 0; start < edits.length; start += sliceListings) {
      await rows.save(edits.slice(start, start + sliceListings))
      await nextTurn(clock)
    }
  }
}
