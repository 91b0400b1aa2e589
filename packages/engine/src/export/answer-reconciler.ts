import { type Key } from '@entente/protocol'
import type { OutboundStatus } from '../api/index.js'
import { agreementFacts } from '../agree/agreement-row.js'
import { contentToValue } from '../agree/canonical.js'
import { type ConnectionFacts, flowingConnections, messageEdit, messageId } from '../connect/connection-facts.js'
import { readDecision, Refusals } from '../connect/peer-decision.js'
import type { EngineContext } from '../context.js'
import type { Reconciler } from '../reconcilers.js'
import { textOf } from '../replica/feed-role.js'
import { valueOf } from '../row/row.js'
import { type Condition, type RowEdit, whileUnchanged } from '../row/rows.js'
import { grantRowId, seatsRowId } from '../people/grants.js'
import { adoptedMap, mapIdOfListing } from '../share/listing-id.js'
import { ruleRowId } from '../share/rule-row.js'
import { visibilityIndexesOf } from '../share/visibility-index.js'
import { PendingMessages, type Reaction } from '../connect/pending-messages.js'
import { askedJobId, isFailed, jobsOf, requestOutcomes, requestRowId, textsOf } from './job.js'
import { answersToParts, exportBase, recordToAnswer } from './package.js'
import { exportObstacle } from './permission.js'
import {
  type Answer,
  type ExportedAnswer,
  exportError,
  isExported,
  packageKey,
  type RecordedOutcome,
  requestKey,
  type RequestTerms,
  requestTerms,
  requestPrefix,
} from './export-messages.js'

/**
 * Answers the partner's export requests: checks the person, the sharing and the agreement, and packs the agreed fields. Packages and record maps are one
 * save, that of several requests together, so a crash leaves a request either unanswered or answered (rule EX1).
 */
export function answerReconciler(context: EngineContext): Reconciler<ConnectionFacts> {
  const { rows, replica, identity, clock } = context
  const pending = new PendingMessages(context, requestPrefix)
  const refusals = new Refusals(context)

  return {
    name: 'export answers',
    subjects: () => flowingConnections(rows, 'vendor'),
    react: (connection) => pending.saveAll(connection, (key) => answer(connection, key)),
  }

  async function answer(connection: ConnectionFacts, key: Key): Promise<Reaction | undefined> {
    const body = replica.inbox(connection.peerMessages).get(key)?.body
    const message = `${connection.id}/${key}`
    if (body === undefined || body === null || refusals.has(message, body)) return
    const decision = await readDecision(context, connection, 'request', body, requestTerms)
    if (!decision.ok) return refusals.note(connection, message, body, 'An export request', decision.reason)
    const { terms, by } = decision
    if (requestKey(terms.job, terms.request) !== key)
      return refusals.note(connection, message, body, 'An export request', 'it stands under the key of another')
    const first = packageKey(terms.job, terms.request, 0)
    if (rows.get('Message', messageId(connection.ownMessages, first))) return
    const basis = whileUnchanged(rows, [
      { object: 'Connection', id: connection.id },
      { object: 'Agreement', id: connection.id },
      { object: 'SharingRule', id: ruleRowId(connection.id, terms.object) },
      { object: 'Grant', id: grantRowId(connection.id, by) },
      { object: 'Setting', id: seatsRowId(connection.id) },
    ])
    const answers = answerAll(connection, terms, by)
    const edits: RowEdit[] = []
    for (const [part, some] of answersToParts(answers.map((each) => each.answer)).entries()) {
      const { job, request, object, version } = terms
      const jws = await identity.signDecision('package', {
        connection: connection.id,
        job,
        request,
        part,
        object,
        version,
        answers: some,
      })
      edits.push(messageEdit(connection.ownMessages, packageKey(job, request, part), jws))
    }
    for (const { answer: each, record } of answers) if (isExported(each)) edits.push(mapEdit(connection, terms, each, record, by))
    edits.push(...jobEdits(connection, terms, answers, by))
    // While the packages were signed, a person may have hidden a record, or taken the grant back.
    const condition: Condition = {
      ...basis,
      holds(stored) {
        const { visible } = visibilityIndexesOf(context).of(connection, terms.object)
        return basis.holds(stored) && answers.every(({ answer: each, record }) => !isExported(each) || visible.has(record))
      },
    }
    return { edits, condition, names: terms.listings }
  }

  function answerAll(connection: ConnectionFacts, terms: RequestTerms, by: string): { answer: Answer; record: string }[] {
    const { effective } = agreementFacts(rows.get('Agreement', connection.id))
    const agreed = effective?.objects[terms.object]
    const obstacle = exportObstacle(context, connection, by, terms.object)
    const index = visibilityIndexesOf(context).of(connection, terms.object)
    return [...new Set(terms.listings)].map((listing) => {
      const record = index.recordsByListing.get(listing) ?? ''
      const refuse = (status: OutboundStatus, rule: string, message: string, fix: string) => ({
        record,
        answer: { listing, status, errors: [exportError(listing, rule, message, fix)] },
      })
      if (obstacle) return refuse('ExportPublishConnectionError', obstacle.code, obstacle.message, 'Then export again.')
      if (!agreed || terms.version !== effective.version) {
        return refuse(
          'ExportPublishConnectionError',
          'agreement version',
          'The request was made under another version of the agreement.',
          'Take over the present agreement, then export again.',
        )
      }
      const map = adoptedMap(context, connection, terms.object, record) ?? mapIdOfListing(connection, listing)
      if (isTaken(map, terms.job, terms.have.includes(listing)))
        return { record, answer: { listing, status: 'ExportSuccessSkipped' as const, errors: [] } }
      if (valueOf(rows.get('RecordMap', map), 'on') === false)
        return refuse('ExportPublishUnknownError', 'sharing', 'The vendor has stopped sharing this record.', 'The vendor has to resume it.')
      const row = rows.get(terms.object, record)
      if (!row || !index.visible.has(record)) {
        return refuse(
          'ExportPublishUnknownError',
          'sharing',
          'This record is not shared over this connection any more.',
          'The vendor has to share it again.',
        )
      }
      return { record, answer: recordToAnswer(terms.object, listing, map, row, agreed.fields) }
    })
  }

  /** Whether a record is on its way in this job, or exported to a partner that still has its copy (rule EX5). */
  function isTaken(map: string, job: string, isThere: boolean): boolean {
    const row = rows.get('RecordMap', map)
    const outbound = textOf(row, 'outbound')
    if (outbound === 'ExportInProgress') return textOf(row, 'exportId') === job
    return isThere && outbound !== undefined && !outbound.endsWith('Error')
  }

  /** The vendor's own account of the export: who asked, when, and how each listing stands. What failed before in the same job and is asked for again counts once. */
  function jobEdits(
    connection: ConnectionFacts,
    { job, request, object, listings }: RequestTerms,
    answers: readonly { readonly answer: Answer; readonly record: string }[],
    by: string,
  ): RowEdit[] {
    const id = askedJobId(connection.id, job)
    const outcomes = answers.map(({ answer: each, record }): RecordedOutcome => {
      if (isExported(each)) return { listing: each.listing, map: each.map, status: 'ExportInProgress', errors: [] }
      return { ...each, errors: each.errors.map((error) => ({ ...error, record })) }
    })
    const again = jobsOf(rows)
      .requests(id)
      .flatMap((row): RowEdit[] => {
        const failed = requestOutcomes(row).flatMap((outcome) =>
          isFailed(outcome) && listings.includes(outcome.listing) ? outcome.listing : [],
        )
        return failed.length === 0
          ? []
          : [{ object: 'ExportRequest', id: row.id, values: { retried: [...textsOf(row, 'retried'), ...failed] } }]
      })
    return [
      ...(rows.get('Export', id)
        ? []
        : [{ object: 'Export', id, values: { connection: connection.id, object, by, startedAt: clock.now() } }]),
      ...again,
      {
        object: 'ExportRequest',
        id: requestRowId(id, request),
        values: { by, listings: [...new Set(listings)], outcomes: contentToValue(outcomes) },
      },
    ]
  }

  function mapEdit(
    connection: ConnectionFacts,
    { object, job }: RequestTerms,
    answer: ExportedAnswer,
    record: string,
    by: string,
  ): RowEdit {
    const { effective } = agreementFacts(rows.get('Agreement', connection.id))
    return {
      object: 'RecordMap',
      id: answer.map,
      // `on` stays unset until the partner has its copy: nothing flows before.
      values: {
        connection: connection.id,
        object,
        record,
        exportId: job,
        outbound: 'ExportInProgress',
        errors: [],
        requestedBy: by,
        exportedAt: clock.now(),
        base: exportBase(effective?.objects[object]?.fields ?? [], answer.values),
        ...(rows.get('RecordMap', answer.map) && { recall: null }),
      },
    }
  }
}
