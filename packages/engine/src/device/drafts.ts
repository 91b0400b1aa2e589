import type { DraftedObject, DraftsApi, DraftView } from '../api/index.js'
import { EngineError } from '../error.js'
import type { Clock } from '../port/clock.js'
import type { Store } from '../port/store.js'
import type { Tabs } from '../port/tabs.js'
import type { Attached } from '../row/attached.js'
import { type Row, valueOf } from '../row/row.js'
import type { RowReader } from '../row/rows.js'
import { isSameValue, parseValue, type Value } from '../schema/value.js'
import { DeviceTable, type TableChange } from './device-table.js'

/** How long a draft is kept, how many are, and how large a value may be, in characters of JSON. */
export const draftBounds = { ms: 30 * 86_400_000, drafts: 100, characters: 256 * 1024 } as const

/** One typed field. Each is stored by itself, so that two tabs never write over each other's. */
interface TypedField {
  readonly object: DraftedObject
  readonly id: string
  readonly field: string
  readonly value: Value
  /** What the record held when the field was first typed. */
  readonly base: Value
  readonly at: number
}

/** What people typed at this device and have not saved. */
export class Drafts implements DraftsApi {
  readonly #table: DeviceTable<TypedField>
  readonly #rows: RowReader
  readonly #clock: Clock

  static async open(store: Store, tabs: Tabs, clock: Clock, rows: RowReader): Promise<Drafts> {
    return new Drafts(await DeviceTable.open<TypedField>(store, tabs, 'draft'), clock, rows)
  }

  private constructor(table: DeviceTable<TypedField>, clock: Clock, rows: RowReader) {
    this.#table = table
    this.#clock = clock
    this.#rows = rows
  }

  list(): readonly DraftView[] {
    const views = [...this.#byDraft().values()].map((fields) => this.#view(fields))
    return views.filter((view) => view !== undefined).toSorted((a, b) => b.at - a.at)
  }

  of(object: DraftedObject, id: string): DraftView | undefined {
    return this.#view(this.#fieldsOf(object, id))
  }

  async keep(object: DraftedObject, id: string, values: Readonly<Record<string, unknown>>): Promise<void> {
    const row = this.#rows.get(object, id)
    const at = this.#clock.now()
    const change: (readonly [string, TypedField | undefined])[] = []
    for (const [field, typed] of Object.entries(values)) {
      const name = nameOf(object, id, field)
      const parsed = parseValue(typed)
      if (!parsed.ok) throw new EngineError('INVALID', `The draft was not kept. ${parsed.error.message}`, [{ ...parsed.error, field }])
      const { value } = parsed
      if (JSON.stringify(value).length > draftBounds.characters)
        throw new EngineError('SIZE', `The field ${field} is too large to be kept as a draft. Shorten it.`)
      const saved = savedValue(row, field)
      const known = this.#table.get(name)
      if (isSameValue(saved, value)) change.push([name, undefined])
      else if (!known || !isSameValue(known.value, value)) change.push([name, { object, id, field, value, base: known?.base ?? saved, at }])
    }
    await this.#write([...change, ...this.#outlived(object, id)])
  }

  async drop(object: DraftedObject, id: string, fields?: readonly string[]): Promise<void> {
    await this.#write(this.#dropped(object, id, fields))
  }

  /** Drops a draft in the transaction that this goes along with. */
  forget(object: DraftedObject, id: string): Attached {
    return this.#table.attach(this.#dropped(object, id))
  }

  watch(listener: () => void): () => void {
    return this.#table.watch(listener)
  }

  close(): void {
    this.#table.close()
  }

  async #write(change: TableChange<TypedField>): Promise<void> {
    if (change.length > 0) await this.#table.write(this.#table.attach(change))
  }

  #dropped(object: DraftedObject, id: string, fields?: readonly string[]): TableChange<TypedField> {
    const dropped = this.#fieldsOf(object, id).filter(({ field }) => fields?.includes(field) ?? true)
    return dropped.map(({ field }) => [nameOf(object, id, field), undefined])
  }

  #fieldsOf(object: DraftedObject, id: string): readonly TypedField[] {
    return [...this.#table.all.values()].filter((typed) => typed.object === object && typed.id === id)
  }

  #byDraft(): ReadonlyMap<string, readonly TypedField[]> {
    const drafts = new Map<string, TypedField[]>()
    for (const typed of this.#table.all.values()) {
      const name = nameOf(typed.object, typed.id, '')
      const fields = drafts.get(name)
      if (fields) fields.push(typed)
      else drafts.set(name, [typed])
    }
    return drafts
  }

  /** The fields of drafts that are too old or too many. */
  #outlived(object: DraftedObject, id: string): TableChange<TypedField> {
    const newest = (fields: readonly TypedField[]): number => Math.max(...fields.map(({ at }) => at))
    const others = [...this.#byDraft()].filter(([name]) => name !== nameOf(object, id, '')).map(([, fields]) => fields)
    const since = this.#clock.now() - draftBounds.ms
    const sorted = others.toSorted((a, b) => newest(b) - newest(a))
    const gone = sorted.filter((fields, index) => index >= draftBounds.drafts - 1 || newest(fields) <= since)
    return gone.flat().map((typed) => [nameOf(typed.object, typed.id, typed.field), undefined])
  }

  #view(fields: readonly TypedField[]): DraftView | undefined {
    const [first] = fields
    if (!first) return undefined
    const row = this.#rows.get(first.object, first.id)
    const open = fields.filter(({ field, value, at }) => {
      return at > this.#clock.now() - draftBounds.ms && !isSameValue(savedValue(row, field), value)
    })
    if (open.length === 0 || valueOf(row, '_deleted') === true) return undefined
    return {
      object: first.object,
      id: first.id,
      isNew: row === undefined,
      at: Math.max(...open.map(({ at }) => at)),
      values: Object.fromEntries(open.map(({ field, value }) => [field, value])),
      changed: open.filter(({ field, base }) => !isSameValue(savedValue(row, field), base)).map(({ field }) => field),
    }
  }
}

const nameOf = (object: DraftedObject, id: string, field: string): string => `${object}\n${id}\n${field}`

const savedValue = (row: Row | undefined, field: string): Value => valueOf(row, field) ?? null
