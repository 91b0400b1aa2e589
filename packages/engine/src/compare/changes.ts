import type { ChangesApi, ChangesQuery, ChangeView } from '../api/index.js'
import type { EngineContext } from '../context.js'
import { nextTurn } from '../port/clock.js'
import type { Value } from '../schema/value.js'
import { type PeerIndex, seenRegister, seenRow } from './peer-index.js'

/** So many marks are one save, so that a page draws in between. */
const sliceMarks = 200

/** What changed at the peers since the person looked. */
export function createChanges({ rows, user, clock }: EngineContext, index: PeerIndex): ChangesApi {
  return {
    list(query = {}) {
      const changes: ChangeView[] = []
      const records = new Set<string>()
      for (const compared of index.compared()) {
        for (const { view } of compared.changes) {
          if (!isWanted(view, query)) continue
          changes.push(view)
          records.add(view.record)
        }
      }
      changes.sort((a, b) => b.at - a.at || (a.id < b.id ? -1 : 1))
      return { changes, records: records.size, pending: index.pending }
    },
    count: () => index.changedCount(),
    async markSeen(ids) {
      const wanted = ids && new Set(ids)
      const edits = [...index.compared()].flatMap(({ changes }) =>
        changes.flatMap(({ view, register: [stamp, value] }) => {
          if (wanted?.has(view.id) === false) return []
          const values: Record<string, Value> = { [seenRegister(view.field?.name)]: value }
          return [{ ...seenRow(user.id, view.share), values, stamp }]
        }),
      )
      for (let start = 0; start < edits.length; start += sliceMarks) {
        if (start > 0) await nextTurn(clock)
        await rows.save(edits.slice(start, start + sliceMarks))
      }
    },
  }
}

function isWanted(view: ChangeView, { object, connection, field, record }: ChangesQuery): boolean {
  return (
    (object === undefined || view.object === object) &&
    (connection === undefined || view.connection === connection) &&
    (field === undefined || view.field?.name === field) &&
    (record === undefined || view.record === record)
  )
}
