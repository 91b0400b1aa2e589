import type { ObjectName, RecordView } from '../api/index.js'
import { isNewer, versionKey } from '../device/format.js'
import type { Store } from '../port/store.js'
import { rowKey, storedRow } from '../row/stored-row.js'
import { isDeleted, rowToView } from './records.js'

/**
 * Reads a few records from an org's store without opening the org: a page shows them while the org opens.
 *
 * @param ids of the records, as the engine gives them
 * @returns the records that are there and not deleted, in the order of the ids; none where a newer version of this library wrote the store
 * @throws StoreError where the store says no
 */
export async function readRecords(store: Pick<Store, 'get'>, object: ObjectName, ids: readonly string[]): Promise<readonly RecordView[]> {
  const [version, ...stored] = await store.get([versionKey, ...ids.map((id) => rowKey(object, id))])
  if (isNewer(version)) return []
  return stored.flatMap((value) => {
    const row = storedRow(value)
    return row && !isDeleted(row) ? rowToView(object, row) : []
  })
}
