import type { Stamp } from '@entente/protocol'
import type { UndoStep } from '../api/index.js'
import type { Clock } from '../port/clock.js'
import type { Store, StoreKey, Write } from '../port/store.js'
import type { Tabs } from '../port/tabs.js'
import type { Value } from '../schema/value.js'
import type { Attached } from '../row/attached.js'
import { registerOf, valueOf } from '../row/row.js'
import type { Alongside, RowStep } from '../row/rows.js'
import { DeviceTable } from './device-table.js'

/** How long a step can be undone, and how many are kept. */
export const undoBounds = { ms: 7 * 86_400_000, steps: 200, imports: 20 } as const

/** One register that a step set: the stamp that it wrote, and the value before. Null stands for a register that was never set. */
export type UndoneRegister = readonly [field: string, stamp: Stamp, before: Value]

/** What one transaction of a step changed. In the store only; a long import has many. */
export interface UndoPart {
  /** Rows that it made. Every register of one has the same stamp. */
  readonly made: readonly (readonly [object: string, id: string, stamp: Stamp])[]
  readonly changed: readonly (readonly [object: string, id: string, registers: readonly UndoneRegister[]])[]
  /** The record maps over which a record that it deleted was shared. The relay's echo of the deletion ends them. */
  readonly shared?: readonly string[]
}

/** What a step is about. */
export type StepAbout = Pick<UndoStep, 'kind' | 'object'> & Partial<Pick<UndoStep, 'record' | 'name'>> & Pick<UndoPart, 'shared'>

export interface StoredPart {
  readonly key: StoreKey
  readonly part: UndoPart
}

interface StoredStep extends UndoStep {
  /** How many parts it was written in. */
  readonly parts: number
}

const partKey = (step: string, part: number): StoreKey => ['undo part', step, String(part).padStart(6, '0')]
const partsGone = (step: string): Write => ({ deleteAll: ['undo part', step] })

/**
 * The undo log of this device: for each step what it changed, written in the transaction of the change. Steps are in memory; their parts are only in the store.
 */
export class UndoLog {
  readonly #steps: DeviceTable<StoredStep>
  readonly #store: Store
  readonly #clock: Clock
  readonly #session: string
  #count = 0

  /** @param session a number that no other page load has, for the ids of steps */
  static async open(store: Store, tabs: Tabs, clock: Clock, session: number): Promise<UndoLog> {
    return new UndoLog(await DeviceTable.open<StoredStep>(store, tabs, 'undo'), store, clock, session)
  }

  private constructor(steps: DeviceTable<StoredStep>, store: Store, clock: Clock, session: number) {
    this.#steps = steps
    this.#store = store
    this.#clock = clock
    this.#session = session.toString(36)
  }

  /** The steps that can be undone, the newest first. */
  list(): readonly UndoStep[] {
    const since = this.#clock.now() - undoBounds.ms
    return [...this.#steps.all.values()].filter(({ at }) => at > since).toSorted((a, b) => b.at - a.at || (a.id < b.id ? 1 : -1))
  }

  get(id: string): UndoStep | undefined {
    return this.#steps.get(id)
  }

  /**
   * Begins a step, or goes on with the one of this id, such as an import that a reload interrupted. Pass what it returns to each save of the step: the first
   * transaction makes the step, and each adds a part.
   */
  begin(about: StepAbout, id = this.newId()): Alongside {
    return (rows) => {
      if (rows.length === 0) return this.#steps.attach([])
      const known = this.#steps.get(id)
      const { kind, object, record, name, shared } = about
      const step: StoredStep = {
        id,
        kind,
        object,
        record,
        name,
        at: known?.at ?? this.#clock.now(),
        records: (known?.records ?? 0) + rows.length,
        parts: (known?.parts ?? 0) + 1,
      }
      const old = known ? [] : this.#outlivedBy(step)
      const { writes, commit } = this.#steps.attach([[id, step], ...old.map((gone) => [gone, undefined] as const)])
      const part: Write = { put: partKey(id, step.parts), value: { ...partOf(rows), ...(shared && { shared }) } }
      return { writes: [...writes, part, ...old.map(partsGone)], commit }
    }
  }

  newId(): string {
    return `${this.#clock.now().toString(36).padStart(9, '0')}-${this.#session}-${++this.#count}`
  }

  /** The first two parts of a step that are not undone yet. */
  async parts(id: string): Promise<readonly StoredPart[]> {
    // This library wrote the parts, so their shape is known.
    return (await this.#store.scan(['undo part', id], { limit: 2 })).map(([key, part]) => ({ key, part: part as UndoPart }))
  }

  /** Forgets a part that is undone, in the transaction that this goes along with. */
  forgetPart(key: StoreKey): Attached {
    return { writes: [{ delete: key }], commit: () => undefined }
  }

  /** Forgets a step, in the transaction that this goes along with. */
  forget(id: string): Attached {
    const { writes, commit } = this.#steps.attach([[id, undefined]])
    return { writes: [...writes, partsGone(id)], commit }
  }

  /** Writes by itself what would go along with a transaction. */
  write(attached: Attached): Promise<void> {
    return this.#steps.write(attached)
  }

  watch(listener: () => void): () => void {
    return this.#steps.watch(listener)
  }

  close(): void {
    this.#steps.close()
  }

  /** The steps that a new one outlives: those that are too old or too many, and the one before of the same record. */
  #outlivedBy({ at, object, record }: StoredStep): readonly string[] {
    let [steps, imports] = [1, 1]
    const newest = this.list()
    const kept = new Set<string>()
    for (const step of newest) {
      if (record !== undefined && step.object === object && step.record === record) continue
      if (++steps > undoBounds.steps || (step.kind === 'import' && ++imports > undoBounds.imports)) continue
      if (at - step.at < undoBounds.ms) kept.add(step.id)
    }
    return [...this.#steps.all.keys()].filter((id) => !kept.has(id))
  }
}

/** What a transaction changed, as an undo needs it. */
function partOf(rows: readonly RowStep[]): UndoPart {
  const [made, changed]: [UndoPart['made'][number][], UndoPart['changed'][number][]] = [[], []]
  for (const { before, after, fields } of rows) {
    const registers = fields.flatMap((field): UndoneRegister[] => {
      const register = registerOf(after, field)
      return register ? [[field, register[0], valueOf(before, field) ?? null]] : []
    })
    const [first] = registers
    if (before) changed.push([after.object, after.id, registers])
    else if (first) made.push([after.object, after.id, first[1]])
  }
  return { made, changed }
}
