import { type ConnectionId, parseKey } from '@entente/protocol'
import { decodeJwt } from 'jose'
import * as v from 'valibot'
import { contentToValue } from '../agree/canonical.js'
import { objectNames } from '../agree/narrow-proposal.js'
import { type ConnectionFacts, enabledConnections, messageEdit } from '../connect/connection-facts.js'
import type { EngineContext } from '../context.js'
import type { Reconciler } from '../reconcilers.js'
import { messageFeedKey } from '../replica/feed-key.js'
import { isBegun } from '../replica/existence.js'
import { textOf } from '../replica/feed-role.js'
import { valueOf } from '../row/row.js'
import type { RowEdit } from '../row/rows.js'
import { visibilityIndexesOf } from '../share/visibility-index.js'
import { type Answer, exportError, isExported, packageDone, packagePrefix, packageTerms } from './export-messages.js'

/** Rows whose change may take a record from a partner's sight. */
const deciding: ReadonlySet<string> = new Set(['SharingRule', 'Agreement', 'Lead', 'Opportunity'])

/**
 * Takes back what was packed for a partner and not yet imported, once the rule shows the record no more (rule EX4): the package is signed anew without its values. Where the
 * partner was faster, its result says so and the copy stays.
 */
export function recallReconciler(context: EngineContext): Reconciler<ConnectionFacts> {
  const { rows, replica, identity } = context
  /** Record maps of exports under way, by connection; built once, then kept by what changes. */
  const underWay = new Map<ConnectionId, Set<string>>()
  const changed = new Set<ConnectionId>()
  rows.watch((changes) => {
    for (const { object, id } of changes) {
      if (object === 'RecordMap') note(id)
      if (deciding.has(object)) for (const connection of underWay.keys()) changed.add(connection)
    }
  })

  return {
    name: 'recalls',
    subjects: () => enabledConnections(rows, 'vendor'),
    async react(connection) {
      const maps = mapsUnderWay(connection.id)
      if (maps.size === 0 || !changed.delete(connection.id)) return
      const hidden = new Set([...maps].filter((map) => isHidden(connection, map)))
      if (hidden.size === 0) return
      try {
        await rows.save(await recall(connection, hidden))
      } catch (error) {
        changed.add(connection.id)
        throw error
      }
    },
  }

  function isUnderWay(map: string): boolean {
    const row = rows.get('RecordMap', map)
    return valueOf(row, 'outbound') === 'ExportInProgress' && !isBegun(row)
  }

  function note(map: string): void {
    const connection = textOf(rows.get('RecordMap', map), 'connection') as ConnectionId | undefined
    const known = connection && underWay.get(connection)
    if (!known) return
    if (isUnderWay(map)) known.add(map)
    else known.delete(map)
  }

  function mapsUnderWay(connection: ConnectionId): ReadonlySet<string> {
    let maps = underWay.get(connection)
    if (!maps) {
      underWay.set(connection, (maps = new Set([...replica.recordMaps.mapsOfConnection(connection)].filter(isUnderWay))))
      changed.add(connection)
    }
    return maps
  }

  function isHidden(connection: ConnectionFacts, map: string): boolean {
    const row = rows.get('RecordMap', map)
    const object = objectNames.find((name) => name === textOf(row, 'object'))
    return (
      object !== undefined &&
      !visibilityIndexesOf(context)
        .of(connection, object)
        .visible.has(textOf(row, 'record') ?? '')
    )
  }

  async function recall(connection: ConnectionFacts, hidden: ReadonlySet<string>): Promise<readonly RowEdit[]> {
    const edits: RowEdit[] = []
    for (const row of rows.list('Message').values()) {
      const body = textOf(row, 'body')
      const at = body === undefined || body === packageDone ? undefined : messageFeedKey(row)
      if (!body || at?.feed !== connection.ownMessages || !at.key.startsWith(packagePrefix)) continue
      const terms = v.safeParse(packageTerms, decodeJwt(body))
      if (!terms.success || !terms.output.answers.some((answer) => isExported(answer) && hidden.has(answer.map))) continue
      const answers = terms.output.answers.map((answer) => (isExported(answer) && hidden.has(answer.map) ? takenBack(answer) : answer))
      const jws = await identity.signDecision('package', { connection: connection.id, ...terms.output, answers })
      edits.push(messageEdit(connection.ownMessages, parseKey(at.key), jws))
      for (const answer of terms.output.answers) {
        if (!isExported(answer) || !hidden.has(answer.map)) continue
        const { status, errors } = takenBack(answer)
        const record = textOf(rows.get('RecordMap', answer.map), 'record') ?? ''
        const values = { outbound: status, errors: contentToValue(errors.map((error) => ({ ...error, record }))) }
        edits.push({ object: 'RecordMap', id: answer.map, values })
      }
    }
    return edits
  }
}

function takenBack({ listing }: Answer): Exclude<Answer, { readonly map: string }> {
  const message = 'The vendor’s rule shared this record no more before it was imported.'
  return {
    listing,
    status: 'ExportPublishUnknownError',
    errors: [exportError(listing, 'sharing', message, 'Ask the vendor to share it again.')],
  }
}
