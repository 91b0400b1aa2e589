import type { ObjectName, RecordView } from '../api/index.js'
import { segmentsAtOnce } from '../flow/scan-pages.js'
import { isNewer, versionKey } from '../device/format.js'
import type { Store, StoreKey } from '../port/store.js'
import { rowKey, storedRow, storedRows } from '../row/stored-row.js'
import { isDeleted, rowToView } from './records.js'

/**
 * Reads a few records from an org's store without opening the org: a page shows them while the org opens.
 *
 * @param ids of the records, as the engine gives them
 * @returns the records that are there and not deleted, in the order of the ids; none where a newer version of this library wrote the store
 * @throws StoreError where the store says no
 */
export async function readRecords(
  store: Pick<Store, 'get' | 'scan'>,
  object: ObjectName,
  ids: readonly string[],
): Promise<readonly RecordView[]> {
  const [version, ...stored] = await store.get([versionKey, ...ids.map((id) => rowKey(object, id))])
  if (isNewer(version)) return []
  const sought = new Set(ids)
  const rows = new Map(stored.flatMap((value) => storedRow(value) ?? []).map((row) => [row.id, row]))
  // The others are looked for in the segments. Each has its lowest id as its key, so those after the highest id have none of them.
  const highest = [...ids].sort().at(-1) ?? ''
  let after: StoreKey | undefined
  while (rows.size < ids.length) {
    const page = await store.scan(['rows'], { limit: segmentsAtOnce, ...(after && { after }) })
    for (const row of page.flatMap(([, value]) => storedRows(value)))
      if (row.object === object && sought.has(row.id) && !rows.has(row.id)) rows.set(row.id, row)
    after = page.at(-1)?.[0]
    if (!after || (after[1] ?? '') > highest) break
  }
  return ids.flatMap((id) => {
    const row = rows.get(id)
    return row && !isDeleted(row) ? rowToView(object, row) : []
  })
}
