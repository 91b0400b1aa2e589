import type { ImportsApi, ImportView, UndoApi, UndoResult } from '../api/index.js'
import type { EngineContext } from '../context.js'
import { DeviceTable } from '../device/device-table.js'
import { EngineError } from '../error.js'
import { nextTurn } from '../port/clock.js'
import type { Store, StoreKey, Write } from '../port/store.js'
import type { Tabs } from '../port/tabs.js'
import type { Attached } from '../row/attached.js'
import type { RowEdit } from '../row/rows.js'
import type { ObjectName } from '../schema/schema.js'
import { parseRows } from './parse-rows.js'
import { isDeleted } from './records.js'

/** Rows in one transaction. Storing 500 blocks a slow page for a tenth of a second. */
const sliceRows = 100
/** How many imports that are done are listed. */
const mostDone = 50
/** An import that no tab has moved for so long has stopped. A slice takes a fraction of a second. */
const quietMs = 4_000
const mostName = 255

/** What the store holds of an import beside its rows. */
interface StoredImport extends Pick<ImportView, 'id' | 'object' | 'name' | 'at' | 'total' | 'creates' | 'skipped'> {
  /** `kept` when all of its rows are on the device, and none is written yet or some are. */
  readonly state: 'keeping' | 'kept' | 'done' | 'undone'
  /** How many slices are written. */
  readonly slices: number
  /** When a tab last moved it. 0 for one that a person stopped. */
  readonly movedAt: number
}

const rowsKey = (id: string, slice: number): StoreKey => ['import rows', id, String(slice).padStart(6, '0')]
const rowsGone = (id: string): Write => ({ deleteAll: ['import rows', id] })

export interface Imports {
  readonly api: ImportsApi
  watch(listener: () => void): () => void
  close(): void
}

export interface ImportsParts extends Pick<EngineContext, 'rows' | 'random' | 'clock' | 'undoLog' | 'schema'> {
  readonly store: Store
  readonly tabs: Tabs
  readonly undo: UndoApi
}

/** Imports of this device: the rows that wait, how far each is, and what can be undone. */
export async function openImports(parts: ImportsParts): Promise<Imports> {
  const { rows, clock, undoLog, schema, store, tabs, undo } = parts
  const table = await DeviceTable.open<StoredImport>(store, tabs, 'import')
  const runs = new Map<string, Promise<ImportView>>()
  const stopping = new Set<string>()

  const viewOf = (stored: StoredImport): ImportView => {
    const { id, object, name, at, total, creates, skipped, state, slices, movedAt } = stored
    const isMoving = runs.has(id) || clock.now() - movedAt < quietMs
    return {
      id,
      object,
      name,
      at,
      state: state === 'done' || state === 'undone' ? state : isMoving ? 'running' : 'stopped',
      done: state === 'done' ? total : Math.min(total, slices * sliceRows),
      total,
      creates,
      skipped,
      undoable: undoLog.get(id) !== undefined,
    }
  }
  const require = (id: string): StoredImport => {
    const stored = table.get(id)
    if (stored && stored.state !== 'keeping') return stored
    throw new EngineError('NOT_FOUND', 'This device has no such import.')
  }
  const write = (stored: StoredImport, ...more: readonly Write[]): Promise<void> =>
    table.write(along(table.attach([[stored.id, stored]]), more))

  /** Forgets what a crash left of an import that was never kept whole, and the oldest of those that are done. */
  async function tidy(): Promise<void> {
    const all = [...table.all.values()]
    const broken = all.filter(({ state, movedAt }) => state === 'keeping' && clock.now() - movedAt > quietMs)
    const old = all
      .filter(({ state }) => state === 'done' || state === 'undone')
      .toSorted(newestFirst)
      .slice(mostDone)
    const gone = [...broken, ...old].map(({ id }) => id)
    if (gone.length > 0) await table.write(along(table.attach(gone.map((id) => [id, undefined])), gone.map(rowsGone)))
  }

  async function writeSlices(id: string, onProgress?: (view: ImportView) => void): Promise<ImportView> {
    for (;;) {
      const stored = require(id)
      if (stored.state !== 'kept' || stopping.has(id)) break
      const key = rowsKey(id, stored.slices)
      const [kept] = await store.get([key])
      // Another tab is ahead: it goes on.
      if (kept === undefined) return viewOf(require(id))
      // This library wrote them, so their shape is known.
      const edits = kept as readonly RowEdit[]
      const wanted = edits.filter((edit) => {
        const row = rows.get(edit.object, edit.id)
        return !row || !isDeleted(row)
      })
      const slices = stored.slices + 1
      const next: StoredImport = {
        ...stored,
        slices,
        skipped: stored.skipped + edits.length - wanted.length,
        state: slices * sliceRows >= stored.total ? 'done' : 'kept',
        movedAt: clock.now(),
      }
      const moved = (): Attached => along(table.attach([[id, next]]), [{ delete: key }])
      const log = undoLog.begin({ kind: 'import', object: stored.object, name: stored.name }, id)
      if (wanted.length === 0) await table.write(moved())
      // What can be undone is told to other tabs before how far it is: a tab that knows the second knows the first.
      else if (!(await rows.save(wanted, { present: key, holds: () => true }, (steps) => join(log(steps), moved()))))
        return viewOf(require(id))
      onProgress?.(viewOf(next))
      await nextTurn(clock)
    }
    if (stopping.delete(id)) await write({ ...require(id), movedAt: 0 })
    return viewOf(require(id))
  }

  const api: ImportsApi = {
    list: () =>
      [...table.all.values()]
        .filter(({ state }) => state !== 'keeping')
        .toSorted(newestFirst)
        .map(viewOf),
    async start(object: ObjectName, name, list) {
      if (list.length === 0) throw new EngineError('INVALID', 'There are no rows to import. Choose another file.')
      await tidy()
      const edits = await parseRows(parts, schema(object), list)
      const id = undoLog.newId()
      const keeping: StoredImport = {
        id,
        object,
        name: name.slice(0, mostName),
        at: clock.now(),
        total: edits.length,
        creates: list.filter((row) => row.id === undefined).length,
        skipped: 0,
        state: 'keeping',
        slices: 0,
        movedAt: clock.now(),
      }
      try {
        for (let start = 0; start < edits.length; start += sliceRows) {
          const put: Write = { put: rowsKey(id, start / sliceRows), value: edits.slice(start, start + sliceRows) }
          const isLast = start + sliceRows >= edits.length
          await write({ ...keeping, state: isLast ? 'kept' : 'keeping', movedAt: isLast ? 0 : clock.now() }, put)
          await nextTurn(clock)
        }
      } catch (error) {
        await table.write(along(table.attach([[id, undefined]]), [rowsGone(id)])).catch(() => undefined)
        throw error
      }
      return id
    },
    run(id, onProgress) {
      const present = runs.get(id)
      if (present) return present
      const run = (async () => {
        await Promise.resolve()
        return writeSlices(id, onProgress)
      })().finally(() => runs.delete(id))
      runs.set(id, run)
      return run.then(() => viewOf(require(id)))
    },
    async stop(id) {
      require(id)
      stopping.add(id)
      await runs.get(id)
      if (stopping.delete(id) && require(id).state === 'kept') await write({ ...require(id), movedAt: 0 })
      return viewOf(require(id))
    },
    async undo(id, onProgress): Promise<UndoResult> {
      const { slices } = await api.stop(id).then(() => require(id))
      if (slices > 0 && undoLog.get(id) === undefined)
        throw new EngineError('NOT_FOUND', 'This import can be undone no longer, or it changed nothing. Change the records themselves.')
      // First, so that nothing can go on with what is being taken back.
      await write({ ...require(id), state: 'undone' }, rowsGone(id))
      const { object, name, at } = require(id)
      if (undoLog.get(id) !== undefined) return undo.run(id, onProgress)
      const step = { id, kind: 'import', object, record: undefined, name, at, records: 0 } as const
      return { step, records: 0, removed: 0, fields: [], left: [] }
    },
  }
  return { api, watch: (listener) => table.watch(listener), close: () => table.close() }
}

const newestFirst = (left: StoredImport, right: StoredImport): number => right.at - left.at || (left.id < right.id ? 1 : -1)

const along = ({ writes, commit }: Attached, more: readonly Write[]): Attached => ({ writes: [...writes, ...more], commit })

const join = (first: Attached, second: Attached): Attached => ({
  writes: [...first.writes, ...second.writes],
  commit() {
    first.commit()
    second.commit()
  },
})
