import { isStamp, parseKey, type Stamp, zeroStamp } from '@entente/protocol'
import type { AgreedField, ChangeView, DifferenceView, ObjectName, Stake, Topic } from '../api/index.js'
import { objectNames } from '../agree/narrow-proposal.js'
import { connectionFacts, type ConnectionFacts } from '../connect/connection-facts.js'
import type { EngineContext } from '../context.js'
import { mirrorFeed } from '../mirror/mirror-view.js'
import { type PeerField, peerFields, type PeerTerms, peerTerms } from '../mirror/peer-fields.js'
import { nextTurn } from '../port/clock.js'
import { amountOf, codeOf } from '../query/order.js'
import { isDeleted } from '../records/records.js'
import { isGone } from '../replica/existence.js'
import { textOf } from '../replica/feed-role.js'
import type { PeerDoc } from '../replica/replica-state.js'
import { isAbove, type Register, registerOf, type Row, valueOf } from '../row/row.js'
import { isValueMap, type Value, valueIn } from '../schema/value.js'
import { isSame, partnersValue } from '../mirror/alike.js'

/** A change with the register that a person who has seen it keeps. */
export interface Change {
  readonly view: ChangeView
  readonly register: Register
}

/** A difference with its place among those of its record: the stage is 0. */
export interface Difference {
  readonly view: DifferenceView
  readonly rank: number
}

/** One shared record that has something to tell. */
interface Compared {
  readonly changes: readonly Change[]
  readonly differences: readonly Difference[]
}

/** The object whose rows say what a person has seen: of each field of a mirror the register itself, so that the highest stamp wins as everywhere. */
const seenObject = 'Seen'
/** The register of a Seen row that says whether the peer shared its record. API names begin with a letter. */
const existsRegister = '_exists'

/** The row with what a person has seen of a mirror. */
export const seenRow = (person: string, share: string) => ({ object: seenObject, id: `${person}:${share}` }) as const

/** The register of a Seen row for a field's API name; for no field, that of the record's existence. */
export const seenRegister = (field: string | undefined): string => field ?? existsRegister

/** A read compares at most so many records at once, some milliseconds of work. More are compared in slices of as many, after a pause in milliseconds. */
const [mostAtOnce, pauseMs] = [100, 150]

const stages: Readonly<Record<ObjectName, string>> = { Lead: 'Status', Opportunity: 'StageName' }

/**
 * What each shared record's mirror says against what the person has seen, and against the own record. Rows and docs that change make their record stale; only stale
 * ones are compared again, when somebody asks.
 */
export class PeerIndex {
  readonly #context: EngineContext
  readonly #tell: (topics: readonly Topic[]) => void
  readonly #compared = new Map<string, Compared>()
  readonly #stale = new Set<string>()
  readonly #terms = new Map<string, PeerTerms>()
  readonly #ends: readonly (() => void)[]
  /** Asked with each drawing. Counted anew once something was compared. */
  #changedCount: number | undefined
  #working = false
  #closed = false

  constructor(context: EngineContext, tell: (topics: readonly Topic[]) => void) {
    const { rows, replica } = (this.#context = context)
    this.#tell = tell
    for (const id of rows.list('RecordMap').keys()) this.#stale.add(id)
    this.#ends = [
      rows.watch((changes) => {
        for (const { object, id } of changes) this.#rowChanged(object, id)
        this.#say()
      }),
      replica.watchFeeds((changes) => {
        for (const { key } of changes) if (rows.get('RecordMap', key)) this.#stale.add(key)
        this.#say()
      }),
    ]
  }

  /** The records that have something to tell, as far as they are compared. */
  compared(): IterableIterator<Compared> {
    if (this.#stale.size <= mostAtOnce) this.#work()
    else if (!this.#working) {
      this.#working = true
      void this.#workOn()
    }
    return this.#compared.values()
  }

  /** How many own records have changes that the person has not seen. */
  changedCount(): number {
    const compared = this.compared()
    if (this.#changedCount === undefined) {
      const records = new Set<string>()
      for (const { changes } of compared) if (changes[0]) records.add(changes[0].view.record)
      this.#changedCount = records.size
    }
    return this.#changedCount
  }

  /** How many records are still to be compared. */
  get pending(): number {
    return this.#stale.size
  }

  close(): void {
    this.#closed = true
    for (const end of this.#ends) end()
  }

  #rowChanged(object: string, id: string): void {
    const { recordMaps } = this.#context.replica
    const { user } = this.#context
    if (object === 'RecordMap') this.#stale.add(id)
    else if (object === seenObject) {
      if (id.startsWith(`${user.id}:`)) this.#stale.add(id.slice(user.id.length + 1))
    } else if (object === 'Agreement' || object === 'Connection') {
      this.#terms.clear()
      for (const map of recordMaps.mapsOfConnection(id)) this.#stale.add(map)
    } else if (objectNames.some((name) => name === object)) for (const map of recordMaps.mapsOfRecord(object, id)) this.#stale.add(map)
  }

  #say(): void {
    if (this.#stale.size > 0) this.#tell(['changes', 'differences'])
  }

  /** Compares all stale records without keeping the page from drawing. */
  async #workOn(): Promise<void> {
    const { clock } = this.#context
    // While an export runs, each record changes several times.
    await new Promise<void>((resolve) => void clock.after(pauseMs, resolve))
    while (!this.#closed && this.#stale.size > 0) {
      this.#work()
      await nextTurn(clock)
    }
    this.#working = false
    if (!this.#closed) this.#tell(['changes', 'differences'])
  }

  #work(): void {
    for (const id of [...this.#stale].slice(0, mostAtOnce)) {
      this.#changedCount = undefined
      this.#stale.delete(id)
      const compared = this.#compare(id)
      if (compared && (compared.changes.length > 0 || compared.differences.length > 0)) this.#compared.set(id, compared)
      else this.#compared.delete(id)
    }
  }

  #compare(id: string): Compared | undefined {
    const { rows, replica, user } = this.#context
    const map = rows.get('RecordMap', id)
    const connection = connectionFacts(rows.get('Connection', textOf(map, 'connection') ?? ''))
    const object = objectNames.find((name) => name === textOf(map, 'object'))
    const record = object && rows.get(object, textOf(map, 'record') ?? '')
    // One that carries on over another connection is told there.
    if (!map || !connection || !object || !record || isDeleted(record) || valueOf(map, 'carriedOn') !== undefined) return undefined
    const doc = replica.peerDocs(mirrorFeed(connection.id, connection.side, object)).get(parseKey(id))
    if (!doc) return undefined
    const fields = peerFields(this.#termsOf(connection, object), doc, record)
    const about = { share: id, connection: connection.id, peerName: connection.peerName, object, record: record.id }
    const seen = rows.get(seenObject, seenRow(user.id, id).id)
    const isLive = connection.enabled && valueOf(map, 'on') === true && doc.kind === 'doc'
    return {
      changes: [
        ...existenceChanges(about, doc, seen),
        ...fields.flatMap((field) => fieldChange(about, field, { map, seen, side: connection.side }) ?? []),
      ],
      differences: isLive ? differencesOf(about, fields, record) : [],
    }
  }

  #termsOf(connection: ConnectionFacts, object: ObjectName): PeerTerms {
    const name = `${connection.id} ${object}`
    const known = this.#terms.get(name) ?? peerTerms(this.#context.rows, connection, object)
    this.#terms.set(name, known)
    return known
  }
}

type About = Pick<ChangeView, 'share' | 'connection' | 'peerName' | 'object' | 'record'>

function differencesOf(about: About, fields: readonly PeerField[], record: Row): readonly Difference[] {
  const { share, object } = about
  let stake: Stake | undefined
  return fields.flatMap(({ agreed, shown }, index): readonly Difference[] => {
    if (!shown.differs) return []
    stake ??= stakeOf(object, record)
    const { own, field: peer, value: theirs, changedAt: at } = shown
    const isStage = own.name === stages[object] || agreed.vendor.name === stages[object]
    const view = { id: `${share}:${own.name}`, ...about, own, ours: valueOf(record, own.name) ?? null, peer, theirs, at, stake }
    return [{ view, rank: isStage ? 0 : index + 1 }]
  })
}

function stakeOf(object: ObjectName, record: Row): Stake | undefined {
  const money = object === 'Opportunity' ? valueOf(record, 'Amount') : undefined
  return isValueMap(money) ? { amount: amountOf(money), currency: codeOf(money) } : undefined
}

/** Whether the peer took its record back, or shares it again. */
function existenceChanges(about: About, doc: PeerDoc, seen: Row | undefined): readonly Change[] {
  const { exists } = doc
  const known = registerOf(seen, existsRegister)
  if (!exists || isGone(exists) === isGone(known) || (known && !isAbove(exists, known))) return []
  const what = isGone(exists) ? 'ended' : 'resumed'
  return [{ view: { ...changed(about, undefined, exists), what, from: undefined }, register: exists }]
}

interface Basis {
  readonly map: Row
  readonly seen: Row | undefined
  readonly side: ConnectionFacts['side']
}

/** What changed in a field since the person saw it, else since the export. */
function fieldChange(about: About, { agreed, shown, register }: PeerField, basis: Basis): Change | undefined {
  if (!register || shown.state !== 'value') return undefined
  const { field, value } = shown
  const seen = registerOf(basis.seen, field.name)
  if (!isAbove(register, seen ?? [exportStamp(basis), null])) return undefined
  const from = seen ? seen[1] : exported(agreed, basis)
  if (from !== undefined && isSame(field, from, value)) return undefined
  return { view: { ...changed(about, field.name, register), what: 'field', field, from, to: value }, register }
}

/** What the peer had at the export; undefined where the record map does not keep it. */
function exported(agreed: AgreedField, { map, side }: Basis): Value | undefined {
  const base = valueOf(map, 'base')
  if (!isValueMap(base) || !Object.hasOwn(base, agreed.vendor.name)) return undefined
  const atVendor = valueIn(base, agreed.vendor.name)
  return side === 'partner' ? atVendor : partnersValue(agreed, atVendor)
}

/** The moment of the export, by this org's stamps: that of the own request, or of the answer to the partner's. */
function exportStamp({ map }: Basis): Stamp {
  const requested = valueOf(map, 'importStamp')
  return isStamp(requested) ? requested : (registerOf(map, 'exportedAt')?.[0] ?? zeroStamp)
}

function changed(about: About, field: string | undefined, [stamp, to]: Register) {
  return { id: `${about.share}:${field ?? ''}:${stamp.join('.')}`, ...about, field: undefined, to, at: stamp[0] }
}
