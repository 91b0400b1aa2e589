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
import { type Answer, exportError, isExported, packageDone, packagePrefix, packageTerms, type RecordedOutcome } from './export-messages.js'
import type { OutboundStatus } from '../api/index.js'
import { correctedNow, hasSeat, nextExpiry } from '../people/grants.js'
import { askedJobId, outcomesEdit, requestRowId } from './job.js'
import { isRecalled } from './recall-copies.js'

/** Rows whose change may take a record from a partner's sight, or its right to export from a person. */
const deciding: ReadonlySet<string> = new Set(['SharingRule', 'Agreement', 'Lead', 'Opportunity', 'Grant', 'Setting'])

/**
 * Takes back what was packed for a partner and not yet imported, once the rule shows the record no more, the person who asked may export no more, or an admin recalls it
 * (rule EX4): the package is signed anew without its values. Where the partner was faster, its result says so and the copy stays.
 */
export function recallReconciler(context: EngineContext): Reconciler<ConnectionFacts> {
  const { rows, replica, identity } = context
  /** Record maps of exports under way, by connection; built once, then kept by what changes. */
  const underWay = new Map<ConnectionId, Set<string>>()
  const changed = new Set<ConnectionId>()
  rows.watch((changes) => {
    for (const { object, id } of changes) {
      if (object === 'RecordMap') note(id)
      if (object === 'RecordMap' && isRecalled(rows.get(object, id)))
        changed.add(textOf(rows.get(object, id), 'connection') as ConnectionId)
      if (deciding.has(object)) for (const connection of underWay.keys()) changed.add(connection)
    }
  })

  /** When a grant runs out next. */
  let due: number | undefined

  return {
    name: 'recalls',
    subjects: () => enabledConnections(rows, 'vendor'),
    async react(connection) {
      const maps = mapsUnderWay(connection.id)
      const now = correctedNow(context)
      if (due !== undefined && due <= now) for (const each of underWay.keys()) changed.add(each)
      due = nextExpiry(rows, now)
      if (maps.size === 0 || !changed.delete(connection.id)) return
      const back = new Map<string, Reason>()
      const mayExport = new Map<string, boolean>()
      for (const map of maps) {
        const reason = reasonToTakeBack(connection, map, mayExport, now)
        if (reason) back.set(map, reason)
      }
      if (back.size === 0) return
      try {
        await rows.save(await recall(connection, back))
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

  function reasonToTakeBack(connection: ConnectionFacts, map: string, mayExport: Map<string, boolean>, now: number): Reason | undefined {
    const row = rows.get('RecordMap', map)
    const object = objectNames.find((name) => name === textOf(row, 'object'))
    if (object === undefined) return undefined
    if (isRecalled(row)) return reasons.recalled
    const person = textOf(row, 'requestedBy') ?? ''
    const known = `${person} ${object}`
    if (!mayExport.has(known)) mayExport.set(known, hasSeat(rows, connection.id, person, now, object))
    if (mayExport.get(known) === false) return reasons.grant
    const { visible } = visibilityIndexesOf(context).of(connection, object)
    return visible.has(textOf(row, 'record') ?? '') ? undefined : reasons.sharing
  }

  async function recall(connection: ConnectionFacts, back: ReadonlyMap<string, Reason>): Promise<readonly RowEdit[]> {
    const edits: RowEdit[] = []
    for (const row of rows.list('Message').values()) {
      const body = textOf(row, 'body')
      const at = body === undefined || body === packageDone ? undefined : messageFeedKey(row)
      if (!body || at?.feed !== connection.ownMessages || !at.key.startsWith(packagePrefix)) continue
      const parsed = v.safeParse(packageTerms, decodeJwt(body))
      if (!parsed.success) continue
      const terms = parsed.output
      const taken = new Map<string, RecordedOutcome>()
      for (const answer of terms.answers) {
        const reason = isExported(answer) ? back.get(answer.map) : undefined
        if (!isExported(answer) || !reason) continue
        const { status, errors } = takenBack(answer.listing, reason)
        const record = textOf(rows.get('RecordMap', answer.map), 'record') ?? ''
        const named = errors.map((error) => ({ ...error, record }))
        taken.set(answer.listing, { listing: answer.listing, map: answer.map, status, errors: named })
        const values = {
          outbound: status,
          errors: contentToValue(named),
          // Only an admin's word keeps the record from being exported once more.
          ...(reason === reasons.recalled && { recall: 'taken back', on: false }),
        }
        edits.push({ object: 'RecordMap', id: answer.map, values })
      }
      if (taken.size === 0) continue
      const answers = terms.answers.map((answer) => {
        const reason = isExported(answer) ? back.get(answer.map) : undefined
        return reason ? takenBack(answer.listing, reason) : answer
      })
      const jws = await identity.signDecision('package', { connection: connection.id, ...terms, answers })
      edits.push(messageEdit(connection.ownMessages, parseKey(at.key), jws))
      const asked = rows.get('ExportRequest', requestRowId(askedJobId(connection.id, terms.job), terms.request))
      if (asked) edits.push(outcomesEdit(asked, taken))
    }
    return edits
  }
}

interface Reason {
  readonly status: OutboundStatus
  readonly rule: string
  readonly message: string
  readonly fix: string
}

const reasons = {
  sharing: {
    status: 'ExportPublishUnknownError',
    rule: 'sharing',
    message: 'The vendor’s rule shared this record no more before it was imported.',
    fix: 'The vendor has to share it again.',
  },
  grant: {
    status: 'ExportPublishConnectionError',
    rule: 'NOT_ALLOWED',
    message: 'The vendor took the grant back, or it ran out, before this record was imported.',
    fix: 'Ask an admin of the vendor for a grant. Then export it again.',
  },
  recalled: {
    status: 'ExportPublishUnknownError',
    rule: 'recall',
    message: 'The vendor recalled this record before it was imported.',
    fix: 'Ask the vendor why.',
  },
} as const satisfies Readonly<Record<string, Reason>>

function takenBack(listing: string, { status, rule, message, fix }: Reason): Exclude<Answer, { readonly map: string }> {
  return { listing, status, errors: [exportError(listing, rule, message, fix)] }
}
