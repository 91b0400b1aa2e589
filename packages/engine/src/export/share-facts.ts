import { compareStamps, type FeedName, isStamp, type Key, otherSide, parseKey, type Stamp } from '@entente/protocol'
import * as v from 'valibot'
import { agreementFacts } from '../agree/agreement-row.js'
import type { AgreedField, ExportError, MirrorField, MirrorView, ObjectName, Receipt, ShareView, Why } from '../api/index.js'
import { connectionFacts, type ConnectionFacts } from '../connect/connection-facts.js'
import { endOf, offOf, pauseOf } from '../connect/connection-why.js'
import { pausedByPeer } from '../connect/pause-reconciler.js'
import type { EngineContext } from '../context.js'
import { type FreshnessView, saidByPeer } from '../heads/index.js'
import type { RefusedOffers } from '../link/index.js'
import { mirrorFeed } from '../mirror/mirror-view.js'
import { peerFields, peerTerms } from '../mirror/peer-fields.js'
import { carriedFields } from '../replica/desired-state.js'
import { isBegun, isEnd } from '../replica/existence.js'
import { connectionFeed, textOf, topicByObject } from '../replica/feed-role.js'
import { isPaused } from '../replica/reading-bound.js'
import type { PeerDoc } from '../replica/replica-state.js'
import { deletedRegister } from '../records/records.js'
import { type Register, registerOf, type Row, valueOf } from '../row/row.js'
import { validateField } from '../schema/validate.js'
import { isSameValue, isValueMap } from '../schema/value.js'
import { outboundStatuses } from './export-messages.js'
import { errorWords, refusedWords } from './share-errors.js'
import { type ShareFacts, type ShareStatus, shareStatus } from './share-state.js'

/** How an edit that an end left behind leaves after all, by what ended. */
const fixes: Readonly<Record<string, string>> = {
  paused: 'It leaves once both orgs go on.',
  switchedOff: 'It leaves once both orgs have the object switched on.',
}

/** What pages show of a record map: the share, and the mirror beside the record. Both come from one status, so that they cannot contradict each other. */
export interface ShareReader {
  share(map: string): ShareView | undefined
  mirror(map: string): MirrorView | undefined
}

/** The own edits of fields that flow, the time of the latest one, and the stamps of all by slot. */
interface Edits {
  readonly edit: ShareFacts['edit']
  readonly latest: number
  readonly stamps: ReadonlyMap<string, Stamp>
}

/** One record map with all that its status is read from. */
interface Subject {
  readonly map: Row
  readonly connection: ConnectionFacts
  readonly object: ObjectName
  readonly record: Row | undefined
  /** The own doc's place. */
  readonly own: FeedName
  readonly peer: FeedName
  readonly key: Key
  readonly doc: PeerDoc | undefined
  readonly fields: readonly MirrorField[]
}

export function createShareReader(context: EngineContext, freshness: FreshnessView, refused: RefusedOffers): ShareReader {
  const { rows, replica } = context
  return { share: (map) => read(map, shareView), mirror: (map) => read(map, mirrorView) }

  function read<View>(id: string, view: (subject: Subject, status: ShareStatus, edits: Edits) => View): View | undefined {
    const map = rows.get('RecordMap', id)
    const connection = connectionFacts(rows.get('Connection', textOf(map, 'connection') ?? ''))
    // One that carries on over another connection is shown there.
    if (!map || !connection || valueOf(map, 'carriedOn') !== undefined) return undefined
    const object: ObjectName = valueOf(map, 'object') === 'Opportunity' ? 'Opportunity' : 'Lead'
    const [peer, key] = [mirrorFeed(connection.id, connection.side, object), parseKey(id)]
    const doc = replica.peerDocs(peer).get(key)
    const record = rows.get(object, textOf(map, 'record') ?? '')
    const subject: Subject = {
      map,
      connection,
      object,
      record,
      own: connectionFeed(connection.id, connection.side, topicByObject[object] ?? 'lead'),
      peer,
      key,
      doc,
      fields: peerFields(peerTerms(rows, connection, object), doc, record).map(({ shown }) => shown),
    }
    const edits = editsOf(subject)
    return view(subject, shareStatus(factsOf(subject, edits)), edits)
  }

  // ---- facts

  function factsOf(subject: Subject, edits: Edits): ShareFacts {
    const { map, connection } = subject
    const why = causesOf(subject)[0]
    const { edit, latest } = edits
    const isAfterEnd = edit === 'since' && latest > (why?.at ?? Number.POSITIVE_INFINITY)
    return {
      side: connection.side,
      exported: outboundStatuses.find((known) => known === valueOf(map, 'outbound')),
      begun: isBegun(map),
      why,
      edit,
      reached: why ? (isAfterEnd ? 'device' : 'relay') : reachedBy(subject, edits),
      hindrance: why ? undefined : hindranceOf(subject),
      theirs: theirsOf(subject),
      trouble: why ? undefined : troubleOf(subject),
    }
  }

  /** Every reason why nothing flows, the most lasting first: that one is shown. */
  function causesOf({ map, connection, object, record, doc }: Subject): readonly Why[] {
    const causes: Why[] = []
    const row = rows.get('Connection', connection.id)
    const add = (what: Why['what'], by: Why['by'], register: Register | undefined): void =>
      void causes.push({ what, by, at: register?.[0][0] })
    const end = endOf(row)
    if (end) causes.push(end)
    const [deleted, converted] = [registerOf(record, deletedRegister), registerOf(record, '_converted')]
    if (deleted?.[1] === true) add('deleted', 'own', deleted)
    if (typeof converted?.[1] === 'string') add('converted', 'own', converted)
    for (const [by, exists] of [
      ['own', registerOf(map, 'on')],
      ['peer', doc?.exists],
    ] as const) {
      const word = exists?.[1]
      if (exists && isEnd(word)) add(word === false ? 'stopped' : word === 'ended' ? 'disconnected' : word, by, exists)
    }
    const pause = pauseOf(row)
    if (pause) causes.push(pause)
    const off = offOf(row, object)
    if (off) causes.push(off)
    const { signed, effective, withdrawn, peerWithdrawn } = agreementFacts(rows.get('Agreement', connection.id))
    const flows = (fields: readonly AgreedField[] = []): boolean => fields.some(({ slot }) => slot !== undefined)
    if (flows(effective?.objects[object]?.fields)) return causes
    if (!flows(signed?.objects[object]?.fields)) return [...causes, { what: 'unagreed', by: 'both', at: undefined }]
    const isOurs = (withdrawn?.at ?? 0) >= (peerWithdrawn?.at ?? 0)
    return [...causes, { what: 'withdrawn', by: isOurs ? 'own' : 'peer', at: (isOurs ? withdrawn : peerWithdrawn)?.at }]
  }

  function editsOf({ map, connection, object, record }: Subject): Edits {
    const fields = carriedFields(rows.get('Agreement', connection.id), topicByObject[object] ?? 'lead', connection.side)
    const imported = valueOf(map, 'importStamp')
    const base: Stamp | undefined = isStamp(imported) ? imported : registerOf(map, 'exportedAt')?.[0]
    const exported = valueOf(map, 'base')
    // Stamps of two rows within one millisecond do not say which came first. The value does.
    const isExported = (at: Stamp, field: string, [stamp, value]: Register): boolean =>
      stamp[0] === at[0] && isValueMap(exported) && Object.hasOwn(exported, field)
        ? isSameValue(exported[field] ?? null, value)
        : compareStamps(stamp, at) <= 0
    let [edit, latest]: [ShareFacts['edit'], number] = ['none', 0]
    const stamps = new Map<string, Stamp>()
    for (const [slot, field] of fields?.bySlot ?? []) {
      const register = registerOf(record, field)
      if (!register) continue
      const [stamp] = register
      const isSince = base === undefined || (isStamp(imported) ? compareStamps(stamp, base) !== 0 : !isExported(base, field, register))
      // Of a copy nothing travels before its first edit.
      if (isSince) edit = 'since'
      else if (isStamp(imported)) continue
      else if (edit === 'none') edit = 'export'
      latest = Math.max(latest, stamp[0])
      stamps.set(slot, stamp)
    }
    return { edit, latest, stamps }
  }

  /** How far the latest edit has come. A doc that waits to be begun anew holds it nevertheless. */
  function reachedBy({ own, key }: Subject, { stamps }: Edits): ShareFacts['reached'] {
    const sequence = replica.broughtBy(own, key, stamps)
    if (sequence === undefined) return replica.acknowledged(own, key) ? 'relay' : 'device'
    return freshness.receipt(own, sequence).read === undefined ? 'relay' : 'peer'
  }

  function hindranceOf(subject: Subject): ShareFacts['hindrance'] {
    const { connection, object, own, key } = subject
    if (unfitOf(subject).length > 0) return 'unfit'
    const code = refused.get(own, key)?.code
    if (code) return code === 'hidden' ? 'hidden' : 'refused'
    if (pausedByPeer(context, connection.id) !== undefined) return 'unread'
    const said = saidByPeer(context, connection, topicByObject[object] ?? 'lead', key)
    return said && (said === 'closed' ? 'closed there' : 'differs there')
  }

  /** The own values that do not fit the agreed field: the other org cannot read them. */
  function unfitOf({ connection, object, record, map }: Subject): readonly ExportError[] {
    const { effective } = agreementFacts(rows.get('Agreement', connection.id))
    return (effective?.objects[object]?.fields ?? []).flatMap((agreed) => {
      const field = agreed[connection.side]
      const value = valueOf(record, field.name) ?? null
      const checked = agreed.slot === undefined ? undefined : validateField(field, value)
      if (checked?.ok !== false) return []
      const { rule, message, fix } = checked.error
      return [{ record: textOf(map, 'record') ?? '', field: field.name, rule, message, fix, value }]
    })
  }

  function theirsOf({ map, doc }: Subject): ShareFacts['theirs'] {
    if (!doc) return 'none'
    const imported = valueOf(map, 'importStamp')
    if (!isStamp(imported)) return 'since'
    return Object.values(doc.registers).some(([stamp]) => compareStamps(stamp, imported) > 0) ? 'since' : 'export'
  }

  function troubleOf({ connection, fields, peer, key }: Subject): ShareFacts['trouble'] {
    if (fields.some(({ state }) => state === 'unreadable')) return 'unreadable'
    if (isPaused(rows.get('Connection', connection.id)) || replica.isUnread(peer, key)) return 'unread'
    return isTroubled(peer, key) ? 'differs' : undefined
  }

  function isTroubled(feed: FeedName, key: Key): boolean {
    const { state } = freshness.mirror(feed, key)
    return state === 'held back' || state === 'differs'
  }

  // ---- views

  function shareView(subject: Subject, status: ShareStatus, edits: Edits): ShareView {
    const { map, connection } = subject
    const { state, why, outbound, inbound } = status
    const [exported, imported] = [valueOf(map, 'exportedAt'), valueOf(map, 'importedAt')]
    return {
      id: map.id,
      connection: connection.id,
      peerName: connection.peerName,
      on: valueOf(map, 'on') === true,
      state,
      why,
      receipt: receiptOf(subject, status, edits),
      outbound,
      inbound,
      errors: errorsOf(subject, status),
      exportedAt: typeof exported === 'number' ? exported : typeof imported === 'number' ? imported : 0,
    }
  }

  function receiptOf({ own, key }: Subject, { reached }: ShareStatus, { latest, stamps }: Edits): Receipt | undefined {
    if (reached === undefined) return undefined
    const sequence = reached === 'device' ? undefined : replica.broughtBy(own, key, stamps)
    const times = sequence === undefined ? undefined : freshness.receipt(own, sequence)
    return { reached, edited: latest, relayed: times?.relayed, read: times?.read }
  }

  /** What went wrong, with the own values to blame: they are read here, and nowhere kept. */
  function errorsOf(subject: Subject, { why, outbound, inbound }: ShareStatus): readonly ExportError[] {
    const { map, connection, own, key, fields } = subject
    const record = textOf(map, 'record') ?? ''
    const errors: ExportError[] = []
    const add = (rule: string, { message, fix }: Pick<ExportError, 'message' | 'fix'>, field = ''): void =>
      void errors.push({ record, field, rule, message, fix })
    if (outbound?.startsWith('Export') === true) errors.push(...storedErrors(subject))
    else if (outbound === 'UpdatePublishFieldMapError') errors.push(...unfitOf(subject))
    else if (outbound === 'UpdatePublishEventError') {
      const code = refused.get(own, key)?.code ?? ''
      add(code, refusedWords(code))
    } else if (outbound === 'UpdatePublishConnectionError') {
      const message = why
        ? 'This record was edited here after that. The other org does not have the edit.'
        : (pausedByPeer(context, connection.id) ?? '')
      add(why?.what ?? 'paused', { message, fix: fixes[why?.what ?? ''] ?? 'Go to Connections.' })
    }
    if (inbound === 'UpdateFieldMapError')
      for (const { name, label, state } of fields) {
        const message = `The other org’s value of ${label} does not open here, or does not fit the field as agreed.`
        if (state === 'unreadable')
          add('agreed field', { message, fix: 'Ask the other org to correct it, or agree on the field anew.' }, name)
      }
    for (const status of [outbound, inbound]) {
      const words = status && errorWords[status]
      if (words) add(status, words)
    }
    return errors
  }

  /** The errors of the export, which the other org may have found: a field of its own is told as the own one that goes there. */
  function storedErrors({ map, connection, object, record }: Subject): readonly ExportError[] {
    const stored = v.safeParse(mapErrors, valueOf(map, 'errors') ?? [])
    const lines = agreementFacts(rows.get('Agreement', connection.id)).effective?.objects[object]?.fields ?? []
    const peer = otherSide(connection.side)
    return (stored.success ? stored.output : []).map((error) => {
      const line = lines.find((each) => each[peer].name === error.field) ?? lines.find((each) => each[connection.side].name === error.field)
      const field = line?.[connection.side].name
      return field === undefined ? error : { ...error, field, value: valueOf(record, field) ?? null }
    })
  }

  function mirrorView({ map, connection, object, fields, peer, key }: Subject, { mirror, why }: ShareStatus): MirrorView | undefined {
    if (!mirror) return undefined
    const times = fields.map(({ changedAt }) => changedAt).filter((time) => time !== undefined)
    return {
      id: parseKey(map.id),
      connection: connection.id,
      object,
      peerName: connection.peerName,
      state: mirror,
      why,
      fields,
      changedAt: times.length > 0 ? Math.max(...times) : undefined,
      signed: freshness.mirror(peer, key),
    }
  }
}

const mapErrors = v.array(v.object({ record: v.string(), field: v.string(), rule: v.string(), message: v.string(), fix: v.string() }))
