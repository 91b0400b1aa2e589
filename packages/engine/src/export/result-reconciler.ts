import type { Key } from '@entente/protocol'
import { contentToValue } from '../agree/canonical.js'
import { type ConnectionFacts, flowingConnections, messageEdit, messageId } from '../connect/connection-facts.js'
import { readDecision, Refusals } from '../connect/peer-decision.js'
import type { EngineContext } from '../context.js'
import type { Reconciler } from '../reconcilers.js'
import { valueOf } from '../row/row.js'
import type { RowEdit } from '../row/rows.js'
import { PendingMessages, type Reaction } from '../connect/pending-messages.js'
import { askedJobId, outcomesEdit, requestRowId } from './job.js'
import { packageDone, packageOfResult, type RecordedOutcome, requestOf, resultKey, resultPrefix, resultTerms } from './export-messages.js'

/** Takes in the partner's results: the record map's status, the start of its doc where the partner has a copy, and the end of the package, in one save. */
export function resultReconciler(context: EngineContext): Reconciler<ConnectionFacts> {
  const { rows, replica } = context
  const pending = new PendingMessages(context, resultPrefix)
  const refusals = new Refusals(context)

  return {
    name: 'export results',
    subjects: () => flowingConnections(rows, 'vendor'),
    react: (connection) => pending.saveAll(connection, (key) => take(connection, key), requestOf),
  }

  async function take(connection: ConnectionFacts, key: Key): Promise<Reaction | undefined> {
    const body = replica.inbox(connection.peerMessages).get(key)?.body ?? null
    const sent = packageOfResult(key)
    const present = valueOf(rows.get('Message', messageId(connection.ownMessages, sent)), 'body') ?? null
    if (present === null) return
    if (body === null) {
      // The partner saw that its result was read and erased it, so the last message of this export can go.
      return present === packageDone ? { edits: [messageEdit(connection.ownMessages, sent, null)] } : undefined
    }
    const message = `${connection.id}/${key}`
    if (present === packageDone || refusals.has(message, body)) return
    const decision = await readDecision(context, connection, 'result', body, resultTerms)
    if (!decision.ok) return refusals.note(connection, message, body, 'An import result', decision.reason)
    const { job, request, part, results } = decision.terms
    if (resultKey(job, request, part) !== key)
      return refusals.note(connection, message, body, 'An import result', 'it stands under the key of another')
    const edits: RowEdit[] = [messageEdit(connection.ownMessages, sent, packageDone)]
    const ended = new Map<string, RecordedOutcome>()
    for (const { listing, map, status, errors } of results) {
      const row = rows.get('RecordMap', map)
      if (!row || valueOf(row, 'connection') !== connection.id) continue
      const record = valueOf(row, 'record')
      const named = errors.map((error) => ({ ...error, record: typeof record === 'string' ? record : '' }))
      ended.set(listing, { listing, map, status, errors: named })
      // Asked for once more in another export meanwhile: that one says how it ends.
      if (valueOf(row, 'exportId') !== job) continue
      const isThere = status === 'ExportSuccess' || status === 'ExportSuccessPartial'
      edits.push({
        object: 'RecordMap',
        id: map,
        values: { outbound: status, errors: contentToValue(named), ...(isThere && { on: true }) },
      })
    }
    const asked = rows.get('ExportRequest', requestRowId(askedJobId(connection.id, job), request))
    if (asked) edits.push(outcomesEdit(asked, ended))
    return { edits }
  }
}
