import type { ObjectName } from '../api/index.js'
import { agreementFacts } from '../agree/agreement-row.js'
import type { ConnectionFacts } from '../connect/connection-facts.js'
import type { EngineContext } from '../context.js'
import { isSwitchedOff } from '../replica/feed-role.js'
import { matchesRule, type Rule } from '../query/sharing-rule.js'
import type { ObjectSchema } from '../schema/schema.js'
import { convertedRegister, isDeleted, valuesOf } from '../records/records.js'
import { nextTurn } from '../port/clock.js'
import { type Row, valueOf } from '../row/row.js'
import type { Rows } from '../row/rows.js'
import { listingId } from './listing-id.js'
import { ruleOf, ruleRowId } from './rule-row.js'

/** Which records of one object the sharing rule shows to one partner: kept up to date record by record. */
export interface VisibilityIndex {
  /** The own records that the rule shows: from record id to listing id. */
  readonly visible: ReadonlyMap<string, string>
  /** From listing id to record id, of all records that were visible at any time since the engine opened. */
  readonly recordsByListing: ReadonlyMap<string, string>
  /** Records whose listing may be out of date. The reconciler that updates a listing takes its record out. */
  readonly pending: Set<string>
}

interface MutableIndex extends VisibilityIndex {
  readonly visible: Map<string, string>
  readonly recordsByListing: Map<string, string>
  readonly stale: Set<string>
  readonly rule: Rule | undefined
  readonly schema: ObjectSchema
  readonly agreed: string | undefined
  /** How often any agreement had changed: other agreements say which copies may be passed on. */
  readonly changes: number
}

/** Listings that one slice names: few enough that the page draws in between. A record that the rule does not show costs a fraction of that. */
const sliceListings = 100
const looksPerListing = 5

/** The visibility indexes of an org: one for each connection and object. */
export class VisibilityIndexes {
  readonly #context: EngineContext
  readonly #indexes = new Map<string, MutableIndex>()
  #changes = 0

  constructor(context: EngineContext) {
    this.#context = context
    context.rows.watch((changes) => {
      for (const { object, id } of changes) {
        if (object === 'Agreement') this.#changes++
        // A record map that carries on is named in the listing.
        const map = object === 'RecordMap' ? context.rows.get(object, id) : undefined
        const [named, record] =
          map && valueOf(map, 'adopted') !== undefined ? [valueOf(map, 'object'), valueOf(map, 'record')] : [object, id]
        if ((named !== 'Lead' && named !== 'Opportunity') || typeof record !== 'string') continue
        for (const [name, index] of this.#indexes) if (name.endsWith(`:${named}`)) index.stale.add(record)
      }
    })
  }

  /** The index, brought up to date with the rows. */
  of(connection: ConnectionFacts, object: ObjectName): VisibilityIndex {
    const index = this.#current(connection, object)
    this.#refreshSome(index, connection, object, Infinity)
    return index
  }

  /** Brings the index up to date a slice at a time: after an org was opened, each of its records is to be looked at. */
  async catchUp(connection: ConnectionFacts, object: ObjectName): Promise<void> {
    for (;;) {
      const index = this.#current(connection, object)
      this.#refreshSome(index, connection, object, sliceListings)
      if (index.stale.size === 0) return
      await nextTurn(this.#context.clock)
    }
  }

  #current(connection: ConnectionFacts, object: ObjectName): MutableIndex {
    const { rows } = this.#context
    const name = ruleRowId(connection.id, object)
    const isOff = isSwitchedOff(rows.get('Connection', connection.id), object)
    const rule = connection.enabled && connection.confirmed && !isOff ? ruleOf(rows.get('SharingRule', name)) : undefined
    const schema = this.#context.schema(object)
    const { effective } = agreementFacts(rows.get('Agreement', connection.id))
    const agreed = effective?.objects[object] ? effective.hash : undefined
    let index = this.#indexes.get(name)
    if (!index || index.rule !== rule || index.schema !== schema || index.agreed !== agreed || index.changes !== this.#changes) {
      const before = index
      index = {
        visible: new Map(),
        recordsByListing: new Map(before?.recordsByListing),
        pending: new Set(before?.pending),
        stale: new Set(rows.list(object).keys()),
        rule,
        schema,
        agreed,
        changes: this.#changes,
      }
      this.#indexes.set(name, index)
      for (const id of before?.visible.keys() ?? []) index.pending.add(id)
    }
    return index
  }

  /** Looks at stale records, until the rule has shown so many of them, or none is left. */
  #refreshSome(index: MutableIndex, connection: ConnectionFacts, object: ObjectName, most: number): void {
    let [looked, shown] = [0, 0]
    for (const id of index.stale) {
      if (shown >= most || looked++ >= most * looksPerListing) return
      index.stale.delete(id)
      const was = index.visible.has(id)
      const isVisible = this.#refresh(index, connection, object, id)
      if (isVisible) shown++
      if (isVisible || was) index.pending.add(id)
    }
  }

  #refresh(index: MutableIndex, connection: ConnectionFacts, object: ObjectName, id: string): boolean {
    const row = this.#context.rows.get(object, id)
    const isVisible = row !== undefined && index.rule !== undefined && isShownBy(this.#context, object, index.schema, index.rule, row)
    if (!isVisible) {
      index.visible.delete(id)
      return false
    }
    if (!index.visible.has(id)) {
      const listing = listingId(connection, object, id)
      index.recordsByListing.set(listing, id)
      index.visible.set(id, listing)
    }
    return true
  }
}

/** Whether a rule shows a record of this org to a partner. */
export function isShownBy({ rows }: EngineContext, object: ObjectName, schema: ObjectSchema, rule: Rule, row: Row): boolean {
  if (isDeleted(row) || typeof valueOf(row, convertedRegister) === 'string' || !matchesRule(schema, rule, row.id, valuesOf(row)))
    return false
  const map = valueOf(row, '_importedBy')
  if (typeof map !== 'string') return true
  const connection = valueOf(rows.get('RecordMap', map), 'connection')
  if (rule.copies !== true || typeof connection !== 'string') return false
  return agreementFacts(rows.get('Agreement', connection)).effective?.objects[object]?.passOn === true
}

const indexesByRows = new WeakMap<Rows, VisibilityIndexes>()

/** The visibility indexes of an engine. The page's reads, the listings and the exports share them. */
export function visibilityIndexesOf(context: EngineContext): VisibilityIndexes {
  let indexes = indexesByRows.get(context.rows.origin)
  if (!indexes) indexesByRows.set(context.rows.origin, (indexes = new VisibilityIndexes(context)))
  return indexes
}
