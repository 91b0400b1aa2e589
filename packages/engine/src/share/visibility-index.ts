import type { ObjectName } from '../api/index.js'
import { agreementFacts } from '../agree/agreement-row.js'
import type { ConnectionFacts } from '../connect/connection-facts.js'
import type { EngineContext } from '../context.js'
import { matchesRule, type Rule } from '../query/sharing-rule.js'
import type { ObjectSchema } from '../schema/schema.js'
import { isDeleted, valuesOf } from '../records/records.js'
import { type Row, valueOf } from '../row/row.js'
import { listingId } from './listing-id.js'
import { ruleOf, ruleRowId } from './rule-row.js'

/** Which records of one object the sharing rule shows to one partner: kept up to date record by record. */
export interface VisibilityIndex {
  /** Ids of the own records that the rule shows. */
  readonly visible: ReadonlySet<string>
  /** From listing id to record id, of all records that were visible at any time since the engine opened. */
  readonly recordsByListing: ReadonlyMap<string, string>
  /** Records whose listing may be out of date. The reconciler that updates a listing takes its record out. */
  readonly pending: Set<string>
}

interface MutableIndex extends VisibilityIndex {
  readonly visible: Set<string>
  readonly recordsByListing: Map<string, string>
  readonly stale: Set<string>
  readonly rule: Rule | undefined
  readonly schema: ObjectSchema
  readonly agreed: string | undefined
  /** How often any agreement had changed: other agreements say which copies may be passed on. */
  readonly changes: number
}

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
        if (object !== 'Lead' && object !== 'Opportunity') continue
        for (const [name, index] of this.#indexes) if (name.endsWith(`:${object}`)) index.stale.add(id)
      }
    })
  }

  /** The index, brought up to date with the rows. */
  of(connection: ConnectionFacts, object: ObjectName): VisibilityIndex {
    const { rows } = this.#context
    const name = ruleRowId(connection.id, object)
    const rule = connection.enabled && connection.confirmed ? ruleOf(rows.get('SharingRule', name)) : undefined
    const schema = this.#context.schema(object)
    const { effective } = agreementFacts(rows.get('Agreement', connection.id))
    const agreed = effective?.objects[object] ? effective.hash : undefined
    let index = this.#indexes.get(name)
    if (!index || index.rule !== rule || index.schema !== schema || index.agreed !== agreed || index.changes !== this.#changes) {
      const before = index
      index = {
        visible: new Set(),
        recordsByListing: new Map(before?.recordsByListing),
        pending: new Set(before?.pending),
        stale: new Set(),
        rule,
        schema,
        agreed,
        changes: this.#changes,
      }
      this.#indexes.set(name, index)
      for (const id of before?.visible ?? []) index.pending.add(id)
      for (const id of rows.list(object).keys()) if (this.#refresh(index, connection, object, id)) index.pending.add(id)
      return index
    }
    for (const id of index.stale) {
      const was = index.visible.has(id)
      if (this.#refresh(index, connection, object, id) || was) index.pending.add(id)
    }
    index.stale.clear()
    return index
  }

  #refresh(index: MutableIndex, connection: ConnectionFacts, object: ObjectName, id: string): boolean {
    const row = this.#context.rows.get(object, id)
    const isVisible = row !== undefined && index.rule !== undefined && isShownBy(this.#context, object, index.schema, index.rule, row)
    if (!isVisible) {
      index.visible.delete(id)
      return false
    }
    if (!index.visible.has(id)) index.recordsByListing.set(listingId(connection, object, id), id)
    index.visible.add(id)
    return true
  }
}

/** Whether a rule shows a record of this org to a partner. */
export function isShownBy({ rows }: EngineContext, object: ObjectName, schema: ObjectSchema, rule: Rule, row: Row): boolean {
  if (isDeleted(row) || !matchesRule(schema, rule, row.id, valuesOf(row))) return false
  const map = valueOf(row, '_importedBy')
  if (typeof map !== 'string') return true
  const connection = valueOf(rows.get('RecordMap', map), 'connection')
  if (rule.copies !== true || typeof connection !== 'string') return false
  return agreementFacts(rows.get('Agreement', connection)).effective?.objects[object]?.passOn === true
}

const indexesByContext = new WeakMap<EngineContext, VisibilityIndexes>()

/** The visibility indexes of an engine. The page's reads, the listings and the exports share them. */
export function visibilityIndexesOf(context: EngineContext): VisibilityIndexes {
  let indexes = indexesByContext.get(context)
  if (!indexes) indexesByContext.set(context, (indexes = new VisibilityIndexes(context)))
  return indexes
}
