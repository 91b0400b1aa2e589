import { type Key, type Stamp, zeroStamp } from '@entente/protocol'
import { agreementFacts } from '../agree/agreement-row.js'
import { contentToValue } from '../agree/canonical.js'
import { type ConnectionFacts, flowingConnections, integrationUser, messageEdit, messageId } from '../connect/connection-facts.js'
import { readDecision, Refusals } from '../connect/peer-decision.js'
import type { EngineContext } from '../context.js'
import { exportBase } from '../export/package.js'
import { PendingMessages, type Reaction } from '../connect/pending-messages.js'
import {
  isCancelled,
  isOwnJob,
  jobFacts,
  requestCorrections,
  requestListings,
  requestOutcomes,
  requestRowId,
  textsOf,
} from '../export/job.js'
import {
  exportError,
  fitResults,
  isExported,
  packageDone,
  packageKey,
  packagePrefix,
  type PackageTerms,
  packageTerms,
  cancelledRule,
  type RecordedOutcome,
  requestKey,
  requestOf,
  resultKey,
  resultOfPackage,
  type ResultTerms,
} from '../export/export-messages.js'
import { isSwitchedOff } from '../replica/feed-role.js'
import { isDeleted } from '../records/records.js'
import { existenceOf } from '../replica/desired-state.js'
import type { Reconciler } from '../reconcilers.js'
import { registerOf, type Row, valueOf } from '../row/row.js'
import { type RowEdit, whileUnchanged } from '../row/rows.js'
import { copyOfMap, mapIdOfListing } from '../share/listing-id.js'
import { copyEdits, importAnswer } from './import-answer.js'

/**
 * Makes copies of the records in the vendor's packages. Copies, record maps, the job's outcomes and the result for the vendor are one save, so a crash leaves
 * a package either untouched or wholly imported, and never makes a second copy (rule IM3).
 */
export function importReconciler(context: EngineContext): Reconciler<ConnectionFacts> {
  const { rows, replica, identity, clock } = context
  const pending = new PendingMessages(context, packagePrefix)
  const refusals = new Refusals(context)

  return {
    name: 'import',
    subjects: () => flowingConnections(rows, 'partner'),
    react: (connection) => pending.saveAll(connection, (key) => take(connection, key), requestOf),
  }

  async function take(connection: ConnectionFacts, key: Key): Promise<Reaction | undefined> {
    const body = replica.inbox(connection.peerMessages).get(key)?.body ?? null
    const answerRow = rows.get('Message', messageId(connection.ownMessages, resultOfPackage(key)))
    if (body === packageDone && (valueOf(answerRow, 'body') ?? null) !== null) {
      return { edits: [messageEdit(connection.ownMessages, resultOfPackage(key), null)] }
    }
    const message = `${connection.id}/${key}`
    if (body === null || body === packageDone || answerRow || refusals.has(message, body)) return
    const decision = await readDecision(context, connection, 'package', body, packageTerms)
    if (!decision.ok) return refusals.note(connection, message, body, 'An export package', decision.reason)
    const { terms } = decision
    const { job, request, part } = terms
    if (packageKey(job, request, part) !== key)
      return refusals.note(connection, message, body, 'An export package', 'it stands under the key of another')
    const asked = rows.get('ExportRequest', requestRowId(job, request))
    const facts = jobFacts(rows.get('Export', job))
    if (!asked || !facts || !isOwnJob(facts) || facts.connection !== connection.id || facts.object !== terms.object) {
      return refusals.note(connection, message, body, 'An export package', 'nobody here asked for it')
    }
    const requested = new Set(textsOf(asked, 'listings'))
    const answers = terms.answers.filter(({ listing }) => requested.has(listing))
    const stamp = registerOf(asked, 'listings')?.[0] ?? zeroStamp
    const basis = whileUnchanged(rows, [
      { object: 'Agreement', id: connection.id },
      { object: 'Export', id: job },
    ])
    const { outcomes, results, edits } = takeAll(connection, { ...terms, answers }, stamp, asked, isCancelled(facts, asked))
    const known = requestOutcomes(asked).filter(({ listing }) => !outcomes.some((outcome) => outcome.listing === listing))
    const all = [...known, ...outcomes]
    const jws = await identity.signDecision('result', { connection: connection.id, job, request, part, results: fitResults(results) })
    const imported = [
      ...edits,
      { object: 'ExportRequest', id: asked.id, values: { outcomes: contentToValue(all) } },
      messageEdit(connection.ownMessages, resultKey(job, request, part), jws),
      // All listings are answered: the request is erased.
      ...(all.length >= requestListings(asked).length ? [messageEdit(connection.ownMessages, requestKey(job, request), null)] : []),
    ]
    return { edits: imported, condition: basis, names: answers.map(({ listing }) => listing) }
  }

  /** Whether a record map may be one that carries on: it is so here, or this org lost it and has nothing under its name. */
  function mayCarryOn(connection: ConnectionFacts, object: string, map: string): boolean {
    const row = rows.get('RecordMap', map)
    if (row) return valueOf(row, 'connection') === connection.id && valueOf(row, 'adopted') !== undefined
    return rows.get(object, copyOfMap(rows, connection, map)) === undefined
  }

  function takeAll(
    connection: ConnectionFacts,
    terms: PackageTerms,
    stamp: Stamp,
    asked: Row,
    cancelled: boolean,
  ): { outcomes: RecordedOutcome[]; results: ResultTerms['results']; edits: RowEdit[] } {
    const { object, job } = terms
    const { effective } = agreementFacts(rows.get('Agreement', connection.id))
    const agreed = effective?.objects[object]
    const schema = context.schema(object)
    const isOff = isSwitchedOff(rows.get('Connection', connection.id), object)
    const outcomes: RecordedOutcome[] = []
    const results: ResultTerms['results'] = []
    const edits: RowEdit[] = []
    for (const answer of terms.answers) {
      if (!isExported(answer)) {
        outcomes.push(answer)
        continue
      }
      const { listing, map } = answer
      const end = (status: RecordedOutcome['status'], errors: RecordedOutcome['errors']): void => {
        outcomes.push({ listing, status, errors, map })
        results.push({ listing, map, status, errors })
      }
      if (isOff) {
        const fix = 'Switch it on again, then export again.'
        end('ExportSubscribeUnknownError', [exportError(listing, 'object', `${schema.plural} were switched off meanwhile.`, fix)])
        continue
      }
      if (!agreed || effective.version !== terms.version) {
        end('ExportSubscribeUnknownError', [
          exportError(listing, 'agreement version', 'The package was made under another version of the agreement.', 'Export again.'),
        ])
        continue
      }
      if (map !== mapIdOfListing(connection, listing) && !mayCarryOn(connection, object, map)) {
        end('ExportSubscribeUnknownError', [
          exportError(
            listing,
            'record map',
            'The package names a record map that does not belong to this record.',
            'Ask the vendor to update its software.',
          ),
        ])
        continue
      }
      const record = copyOfMap(rows, connection, map)
      const copy = rows.get(object, record)
      if (copy && rows.get('RecordMap', map) && !isDeleted(copy)) {
        // A copy from an earlier export belongs to the user and stays as it is.
        end('ExportSuccess', [])
        continue
      }
      if (cancelled) {
        end('ExportSubscribeUnknownError', [
          exportError(
            listing,
            cancelledRule,
            'The partner cancelled this export before it was imported.',
            'Export it again if it is wanted.',
          ),
        ])
        continue
      }
      const corrections = requestCorrections(asked, listing)
      const imported = importAnswer(schema, agreed, answer, corrections)
      if (!imported.ok) {
        end('ExportSubscribeFieldMapError', [...imported.errors])
        continue
      }
      const { values, losses } = imported
      const partial = losses.length > 0
      end(partial ? 'ExportSuccessPartial' : 'ExportSuccess', [...losses])
      edits.push(
        ...copyEdits({
          object,
          connection: connection.id,
          job,
          answer,
          record,
          values,
          corrections,
          base: exportBase(agreed.fields, answer.values),
          partial,
          stamp,
          now: clock.now(),
          by: integrationUser(connection.id),
        }),
      )
      if (!copy) continue
      if (rows.get('RecordMap', map)) edits.push({ object: 'RecordMap', id: map, values: { recall: null } })
      // The copy was deleted here, and a person asked for the record again. The deletion took the share back, so it is given again above that (rule ER2).
      edits.push({ object, id: copy.id, values: { _deleted: false } })
      const on = registerOf(rows.get('RecordMap', map), 'on')
      if (on) edits.push({ object: 'RecordMap', id: map, values: { on: true }, above: existenceOf(on, copy, undefined)[0] })
    }
    return { outcomes, results, edits }
  }
}
