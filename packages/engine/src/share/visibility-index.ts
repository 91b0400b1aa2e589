import type { ObjectName } from '../api/index.js'
import { agreementFacts } from '../agree/agreement-row.js'
import type { ConnectionFacts } from '../connect/connection-facts.js'
import type { EngineContext } from '../context.js'
import { matchesRule, type Rule } from '../query/rule.js'
import type { ObjectSchema } from '../schema/schema.js'
import { isDeleted, valuesOf } from '../records/records.js'
import { listingId } from './listing-id.js'
import { ruleOf, ruleRowId } from './rule-row.js'

/** What one partner sees of one object: kept up to date record by record, never by looking at all of them again. */
export interface VisibilityIndex {
  /** Ids of the own records that the rule shows. */
  readonly visible: ReadonlySet<string>
  /** From listing id to record id, of all that were ever visible since the engine opened. */
  readonly recordsByListing: ReadonlyMap<string, string>
  /** Records whose listing may have to change; the reconciler that brings a listing up to date takes its record out. */
  readonly pending: Set<string>
}

interface Draft extends VisibilityIndex {
  readonly visible: Set<string>
  readonly recordsByListing: Map<string, string>
  readonly stale: Set<string>
  readonly rule: Rule | undefined
  readonly schema: ObjectSchema
  readonly agreed: string | undefined
}

/** The visibility indexes of an org. */
export class VisibilityIndexes {
  readonly #context: EngineContext
  readonly #drafts = new Map<string, Draft>()

  constructor(context: EngineContext) {
    this.#context = context
    context.rows.watch((changes) => {
      for (const { object, id } of changes) {
        if (object !== 'Lead' && object !== 'Opportunity') continue
        for (const [name, draft] of this.#drafts) if (name.endsWith(`:${object}`)) draft.stale.add(id)
      }
    })
  }

  /** The index as the rows are now. */
  of(connection: ConnectionFacts, object: ObjectName): VisibilityIndex {
    const { rows } = this.#context
    const name = ruleRowId(connection.id, object)
    const rule = ruleOf(rows.get('SharingRule', name))
    const schema = this.#context.schema(object)
    const { effective } = agreementFacts(rows.get('Agreement', connection.id))
    const agreed = effective?.objects[object] ? effective.hash : undefined
    let draft = this.#drafts.get(name)
    if (!draft || draft.rule !== rule || draft.schema !== schema || draft.agreed !== agreed) {
      const before = draft
      draft = {
        visible: new Set(),
        recordsByListing: new Map(before?.recordsByListing),
        pending: new Set(before?.pending),
        stale: new Set(),
        rule,
        schema,
        agreed,
      }
      this.#drafts.set(name, draft)
      for (const id of before?.visible ?? []) draft.pending.add(id)
      for (const id of rows.list(object).keys()) if (this.#look(draft, connection, object, id)) draft.pending.add(id)
      return draft
    }
    for (const id of draft.stale) {
      const was = draft.visible.has(id)
      if (this.#look(draft, connection, object, id) || was) draft.pending.add(id)
    }
    draft.stale.clear()
    return draft
  }

  #look(draft: Draft, connection: ConnectionFacts, object: ObjectName, id: string): boolean {
    const row = this.#context.rows.get(object, id)
    const isVisible =
      row !== undefined && draft.rule !== undefined && !isDeleted(row) && matchesRule(draft.schema, draft.rule, id, valuesOf(row))
    if (!isVisible) {
      draft.visible.delete(id)
      return false
    }
    if (!draft.visible.has(id)) draft.recordsByListing.set(listingId(connection.secret, object, id), id)
    draft.visible.add(id)
    return true
  }
}

const indexesByContext = new WeakMap<EngineContext, VisibilityIndexes>()

/** The one set of visibility indexes of an engine, shared by the page's questions, the listings and the exports. */
export function visibilityIndexesOf(context: EngineContext): VisibilityIndexes {
  let indexes = indexesByContext.get(context)
  if (!indexes) indexesByContext.set(context, (indexes = new VisibilityIndexes(context)))
  return indexes
}
