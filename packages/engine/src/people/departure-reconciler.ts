import { type ConnectionFacts, flowingConnections } from '../connect/connection-facts.js'
import type { EngineContext } from '../context.js'
import type { Reconciler } from '../reconcilers.js'
import { valueOf } from '../row/row.js'
import { whileUnchanged } from '../row/rows.js'
import { announcedPeople, announcedRowId, grantRowId } from './grants.js'

/** Takes back the grants of people whom the partner names no more, so that their seats are free (rule PE5). */
export function departureReconciler({ rows, clock, user }: EngineContext): Reconciler<ConnectionFacts> {
  return {
    name: 'grants of people who left',
    subjects: () => (user.role === 'admin' ? flowingConnections(rows, 'vendor') : []),
    async react({ id }) {
      const announcement = rows.get('Announcement', announcedRowId(id))
      if (!announcement) return
      const present = new Set(announcedPeople(rows, id).map((person) => grantRowId(id, person.id)))
      const start = grantRowId(id, '')
      const left = [...rows.list('Grant').values()].filter(
        (grant) => grant.id.startsWith(start) && !present.has(grant.id) && valueOf(grant, 'granted') === true,
      )
      if (left.length === 0) return
      const values = { granted: false, at: clock.now() }
      await rows.save(
        left.map((grant) => ({ object: 'Grant', id: grant.id, values })),
        whileUnchanged(rows, [announcement, ...left]),
      )
    },
  }
}
