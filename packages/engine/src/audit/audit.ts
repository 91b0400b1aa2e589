import { otherSide } from '@entente/protocol'
import type { AuditApi, SharedMessages } from '../api/index.js'
import { EngineError } from '../error.js'
import type { FreshnessTable } from '../heads/index.js'
import { connectionFeed, sideOf } from '../replica/feed-role.js'
import type { RowReader } from '../row/rows.js'
import type { AuditTrail } from './trail.js'

/** What a page reads of the audit. */
export function createAudit(trail: AuditTrail, rows: RowReader, freshness: FreshnessTable): AuditApi {
  return {
    list: (query) => trail.list(query),
    verify: () => trail.verify(),
    compare(connection) {
      const side = sideOf(rows.get('Connection', connection))
      if (!side) throw new EngineError('NOT_FOUND', 'This connection does not exist. Choose another one.')
      const theirs = freshness.get(connectionFeed(connection, otherSide(side), 'messages'))
      const { held } = freshness.get(connectionFeed(connection, side, 'messages'))
      return sharedOf(theirs, held)
    },
  }
}

/** Both directions together: as of the earlier of the two times. */
function sharedOf(theirs: ReturnType<FreshnessTable['get']>, held: ReturnType<FreshnessTable['get']>['held']): SharedMessages {
  const { confirmed, newest, trouble } = theirs
  const times = [confirmed, held?.same]
  const upTo = times.every((time) => time !== undefined) ? Math.min(...times) : undefined
  if (trouble?.kind === 'differs' || held?.differs === true) return { state: 'differs', upTo }
  return { state: upTo !== undefined && confirmed === newest?.time ? 'same' : 'waiting', upTo }
}
