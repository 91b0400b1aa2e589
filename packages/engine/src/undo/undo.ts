import { compareStamps } from '@entente/protocol'
import type { UndoApi, UndoLeft, UndoResult, UndoStep } from '../api/index.js'
import { connectionFacts } from '../connect/connection-facts.js'
import type { EngineContext } from '../context.js'
import { EngineError } from '../error.js'
import { SerialQueue } from '../flow/serial-queue.js'
import { nextTurn } from '../port/clock.js'
import { convertedRegister, deletedRegister, isDeleted } from '../records/records.js'
import { existenceOf } from '../replica/desired-state.js'
import { isBegun } from '../replica/existence.js'
import { textOf } from '../replica/feed-role.js'
import { registerOf, type Row, valueOf } from '../row/row.js'
import { type RowEdit, whileUnchanged } from '../row/rows.js'
import type { Value } from '../schema/value.js'
import type { StoredPart, UndoneRegister, UndoPart } from '../device/undo-log.js'

/** How often a part is computed anew because another tab saved meanwhile. */
const mostTries = 10

/** What undoing one part would write, and what it leaves. */
interface Plan {
  readonly edits: readonly RowEdit[]
  readonly reads: readonly Pick<RowEdit, 'object' | 'id'>[]
  readonly fields: ReadonlySet<string>
  readonly records: number
  readonly removed: number
  readonly left: readonly UndoLeft[]
}

/** Takes back what the undo log holds, as far as nobody changed it since. */
export function createUndo(context: Pick<EngineContext, 'rows' | 'replica' | 'clock' | 'undoLog'>): UndoApi {
  const { rows, replica, clock, undoLog } = context
  // Of two clicks in one moment the second finds the step gone.
  const clicks = new SerialQueue()

  return {
    list: () => undoLog.list(),
    last(object, record) {
      const step = undoLog.list().find((each) => each.object === object && each.record === record)
      // A record that was exported again is back without it.
      return step?.kind === 'delete' && valueOf(rows.get(object, record), deletedRegister) !== true ? undefined : step
    },
    run: (id, onProgress) => clicks.run(() => run(id, onProgress)),
  }

  async function run(id: string, onProgress?: (done: number) => void): Promise<UndoResult> {
    const step = undoLog.get(id)
    if (!step) throw new EngineError('NOT_FOUND', 'This can be undone no longer. Change the record itself.')
    const fields = new Set<string>()
    const left: UndoLeft[] = []
    let [records, removed, done] = [0, 0, 0]
    for (;;) {
      const [first, next] = await undoLog.parts(id)
      const plan = await undoPart(step, first, next === undefined)
      for (const field of plan.fields) fields.add(field)
      left.push(...plan.left)
      records += plan.records
      removed += plan.removed
      if (!first) break
      onProgress?.((done += first.part.made.length + first.part.changed.length))
      if (!next) break
      await nextTurn(clock)
    }
    return { step, records, removed, fields: [...fields], left }
  }

  /** One transaction: what is restored, and that the part is gone. */
  async function undoPart(step: UndoStep, stored: StoredPart | undefined, isLast: boolean): Promise<Plan> {
    for (let tries = 0; tries < mostTries; tries++) {
      const plan = planOf(step, stored?.part ?? { made: [], changed: [] })
      const done = isLast || !stored ? undoLog.forget(step.id) : undoLog.forgetPart(stored.key)
      if (plan.edits.length === 0) {
        await undoLog.write(done)
        return plan
      }
      if (await rows.save(plan.edits, whileUnchanged(rows, plan.reads), () => done)) return plan
      await nextTurn(clock)
    }
    throw new EngineError('CHANGED', 'Another tab keeps changing the same records. Undo again.')
  }

  function planOf(step: UndoStep, { made, changed, shared = [] }: UndoPart): Plan {
    const edits: RowEdit[] = []
    const reads: Pick<RowEdit, 'object' | 'id'>[] = []
    const left: UndoLeft[] = []
    const fields = new Set<string>()
    let records = 0
    const leave = (why: UndoLeft['why'], record: string, field = ''): void => void left.push({ object: step.object, record, field, why })

    for (const [object, id, stamp] of made) {
      const row = rows.get(object, id)
      if (!row || isDeleted(row)) continue
      reads.push({ object, id })
      if (isExported(object, id)) leave('exported', step.record ?? id)
      else if (!Object.values(row.registers).every(([at]) => compareStamps(at, stamp) === 0)) leave('changed', step.record ?? id)
      else edits.push({ object, id, values: { [deletedRegister]: true } })
    }
    const removed = edits.length

    for (const [object, id, registers] of changed) {
      const row = rows.get(object, id)
      if (!row) continue
      reads.push({ object, id })
      if (object === 'RecordMap') {
        const record = textOf(row, 'record') ?? ''
        const before = restoredValues(row, registers, () => leave('changed', record))
        if (Object.keys(before).length === 0) continue
        if (!connectionFacts(rows.get('Connection', textOf(row, 'connection') ?? ''))?.enabled)
          throw new EngineError('NOT_CONNECTED', 'The connection is not enabled, so sharing cannot be resumed. Connect again.')
        edits.push({ object, id, values: before })
        records++
      } else if (registers.some(([field]) => field === deletedRegister || field === convertedRegister)) {
        // The opportunity of a conversion stays, so its lead stays converted.
        if (left.length > 0) continue
        if (Object.keys(restoredValues(row, registers, () => leave('changed', id))).length === 0) continue
        edits.push({ object, id, values: step.kind === 'convert' ? { [convertedRegister]: null } : { [deletedRegister]: false } })
        records++
        for (const map of shared) {
          const share = rows.get('RecordMap', map)
          const on = registerOf(share, 'on')
          const connection = rows.get('Connection', textOf(share, 'connection') ?? '')
          if (!share || !on) continue
          reads.push(share)
          // The end of the record took the share back, so it is given again above that (rule ER2).
          if (connectionFacts(connection)?.enabled)
            edits.push({ object: 'RecordMap', id: map, values: { on: true }, above: existenceOf(on, row, connection)[0] })
          else leave('disconnected', id)
        }
      } else if (isDeleted(row)) leave('deleted', id)
      else {
        const values = restoredValues(row, registers, (field) => leave('changed', id, field))
        const names = Object.keys(values)
        if (names.length === 0) continue
        edits.push({ object, id, values })
        records++
        for (const name of names) fields.add(name)
      }
    }
    return { edits, reads, fields, records: records + removed, removed, left }
  }

  function isExported(object: string, record: string): boolean {
    return [...replica.recordMaps.mapsOfRecord(object, record)].some((id) => {
      const map = rows.get('RecordMap', id)
      return isBegun(map) || !(textOf(map, 'outbound') ?? 'Error').endsWith('Error')
    })
  }
}

/** The values before, of those registers that still have the stamp of the step. */
function restoredValues(row: Row, registers: readonly UndoneRegister[], leave: (field: string) => void): Readonly<Record<string, Value>> {
  const entries: [string, Value][] = []
  for (const [field, stamp, before] of registers) {
    const present = registerOf(row, field)
    if (present && compareStamps(present[0], stamp) === 0) entries.push([field, before])
    else leave(field)
  }
  return Object.fromEntries(entries)
}
