import { compareStamps, parseKey } from '@entente/protocol'
import * as v from 'valibot'
import type { RecallOutcome } from '../api/index.js'
import { contentToValue } from '../agree/canonical.js'
import { type ConnectionFacts, enabledConnections, messageEdit, messageId } from '../connect/connection-facts.js'
import { readDecision, Refusals } from '../connect/peer-decision.js'
import type { EngineContext } from '../context.js'
import { hasRecord } from '../records/records.js'
import type { Reconciler } from '../reconcilers.js'
import { isBegun } from '../replica/existence.js'
import { textOf } from '../replica/feed-role.js'
import { registerOf, type Row, valueOf } from '../row/row.js'
import { type RowEdit, whileUnchanged } from '../row/rows.js'
import { isSameValue, type Value } from '../schema/value.js'

// A vendor's admin recalls copies that the partner has imported: the message `recall` names their record maps. The partner's engine deletes each copy that nobody there
// has edited, and says in `recalled` what became of each (rules RE1, RE2). Each is one message, with what is not settled yet.

const recallKey = parseKey('recall')
const recalledKey = parseKey('recalled')
/** Record maps in one message: their answer fits into one, and a partner deletes so many copies in one transaction. */
const mostMaps = 200

const id = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{22}$/))
/** What a partner says of a copy. */
const answered = ['deleted', 'edited', 'shared on', 'gone'] as const
export const recallOutcomes = ['asked', ...answered, 'taken back'] as const satisfies readonly RecallOutcome[]

export const recallTerms = v.looseObject({ maps: v.pipe(v.array(id), v.maxLength(mostMaps)) })
export const recalledTerms = v.looseObject({
  results: v.pipe(v.array(v.object({ map: id, outcome: v.picklist(answered) })), v.maxLength(mostMaps)),
})

/** Whether a vendor's admin has recalled a record, and nothing has come of it yet. */
export const isRecalled = (map: Row | undefined): boolean => valueOf(map, 'recall') === 'asked'

/** Both sides of a recall of copies. */
export function recallCopiesReconciler(context: EngineContext): Reconciler<ConnectionFacts> {
  const { rows, replica, identity, drafts } = context
  const refusals = new Refusals(context)
  /** Record maps that are recalled; found once, then kept by what changes. */
  const asked = new Set<string>()
  const note = (map: string): void => void (isRecalled(rows.get('RecordMap', map)) ? asked.add(map) : asked.delete(map))
  for (const map of rows.list('RecordMap').keys()) note(map)
  rows.watch((changes) => {
    for (const { object, id: map } of changes) if (object === 'RecordMap') note(map)
  })

  return {
    name: 'recalls of copies',
    subjects: () => enabledConnections(rows),
    react: (connection) => (connection.side === 'vendor' ? ask(connection) : answer(connection)),
  }

  /** The vendor: takes in what the partner did, and names what is still recalled. */
  async function ask(connection: ConnectionFacts): Promise<void> {
    const body = replica.inbox(connection.peerMessages).get(recalledKey)?.body ?? null
    const message = `${connection.id}/${recalledKey}`
    if (body !== null && asked.size > 0 && !refusals.has(message, body)) {
      const decision = await readDecision(context, connection, 'recalled', body, recalledTerms)
      if (decision.ok) {
        const edits = decision.terms.results.flatMap(({ map, outcome }): RowEdit[] => {
          if (!asked.has(map) || !isOf(connection, map)) return []
          // A copy that is gone is sent nothing more.
          const isGone = outcome === 'deleted' || outcome === 'gone'
          return [{ object: 'RecordMap', id: map, values: { recall: outcome, ...(isGone && { on: false }) } }]
        })
        await rows.save(edits)
      } else refusals.note(connection, message, body, 'What became of a recall', decision.reason)
    }
    const maps = [...asked].filter((map) => isOf(connection, map) && isBegun(rows.get('RecordMap', map))).sort()
    await say(connection, 'recall', recallKey, maps.length === 0 ? undefined : { maps: maps.slice(0, mostMaps) })
  }

  /** The partner: deletes what nobody has edited, and says what became of each, in one save. */
  async function answer(connection: ConnectionFacts): Promise<void> {
    const heard = replica.inbox(connection.peerMessages).get(recallKey)
    const body = heard?.body ?? null
    const message = `${connection.id}/${recallKey}`
    if (!heard || body === null) return say(connection, 'recalled', recalledKey, undefined)
    const stamp = registerOf(rows.get('Announcement', `${message}:heard`), 'content')?.[0]
    if ((stamp && compareStamps(heard.stamp, stamp) <= 0) || refusals.has(message, body)) return
    const decision = await readDecision(context, connection, 'recall', body, recallTerms, 'admin')
    if (!decision.ok) return refusals.note(connection, message, body, 'A recall', decision.reason)
    const maps = [...new Set(decision.terms.maps)]
    const found = maps.map((map) => ({ map, ...copyOf(connection, map) }))
    const basis = whileUnchanged(
      rows,
      found.flatMap(({ copy, object }) => (copy === undefined || object === undefined ? [] : [{ object, id: copy }])),
    )
    const edits: RowEdit[] = []
    const results = found.map(({ map, copy, object, outcome }) => {
      if (copy !== undefined && object !== undefined) {
        edits.push({ object: 'RecordMap', id: map, values: { recall: outcome } })
        if (outcome === 'deleted') edits.push({ object, id: copy, values: { _deleted: true } })
        const job = textOf(rows.get('RecordMap', map), 'exportId') ?? ''
        if (rows.get('Export', job)) edits.push({ object: 'Export', id: job, values: { recalled: true } })
      }
      return { map, outcome }
    })
    await say(
      connection,
      'recalled',
      recalledKey,
      { results },
      [{ object: 'Announcement', id: `${message}:heard`, stamp: heard.stamp, values: { content: body } }, ...edits],
      basis,
    )
  }

  function isOf(connection: ConnectionFacts, map: string): boolean {
    return textOf(rows.get('RecordMap', map), 'connection') === connection.id
  }

  function copyOf(
    connection: ConnectionFacts,
    map: string,
  ): { copy?: string; object?: 'Lead' | 'Opportunity'; outcome: (typeof answered)[number] } {
    const row = rows.get('RecordMap', map)
    const [copy, object] = [textOf(row, 'record'), textOf(row, 'object')]
    if (!isOf(connection, map) || copy === undefined || (object !== 'Lead' && object !== 'Opportunity')) return { outcome: 'gone' }
    if (!hasRecord(rows, object, copy)) return { copy, object, outcome: 'gone' }
    if (isEdited(row, rows.get(object, copy)) || drafts.of(object, copy) !== undefined) return { copy, object, outcome: 'edited' }
    // Another org has it from here.
    const isSharedOn = [...replica.recordMaps.mapsOfRecord(object, copy)].some(
      (other) => other !== map && textOf(rows.get('RecordMap', other), 'outbound') !== undefined,
    )
    return { copy, object, outcome: isSharedOn ? 'shared on' : 'deleted' }
  }

  /** Publishes terms where they differ from the last ones, or takes the message back. */
  async function say(
    connection: ConnectionFacts,
    type: 'recall' | 'recalled',
    key: typeof recallKey,
    terms: object | undefined,
    edits: readonly RowEdit[] = [],
    basis = whileUnchanged(rows, []),
  ): Promise<void> {
    const [said, content]: readonly [string, Value] = [`${connection.id}:${type}`, terms ? contentToValue(terms) : null]
    const before = valueOf(rows.get('Announcement', said), 'content') ?? null
    const present = valueOf(rows.get('Message', messageId(connection.ownMessages, key)), 'body') ?? null
    if (isSameValue(before, content) && (present === null) === (content === null) && edits.length === 0) return
    const jws = terms ? await identity.signDecision(type, { connection: connection.id, ...terms }) : null
    await rows.save(
      [...edits, { object: 'Announcement', id: said, values: { content } }, messageEdit(connection.ownMessages, key, jws)],
      basis,
    )
  }
}

/** Whether anybody has edited a copy since its import. */
function isEdited(map: Row | undefined, record: Row | undefined): boolean {
  const stamp = JSON.stringify(valueOf(map, 'importStamp'))
  return Object.entries(record?.registers ?? {}).some(([field, [set]]) => !field.startsWith('_') && JSON.stringify(set) !== stamp)
}

const settled: ReadonlySet<unknown> = new Set<RecallOutcome>(['asked', 'deleted', 'gone', 'taken back'])

/** Whether there is anything to recall of what was exported under a record map. */
export function mayRecall(map: Row | undefined): boolean {
  const outbound = textOf(map, 'outbound')
  return outbound !== undefined && !outbound.endsWith('Error') && !settled.has(valueOf(map, 'recall'))
}

/** What has become of the recall of a record; undefined where nobody recalled it. */
export function recallOutcome(map: Row | undefined): RecallOutcome | undefined {
  return recallOutcomes.find((outcome) => outcome === valueOf(map, 'recall'))
}
