import type { DeviceId } from '@entente/protocol'
import type { EngineContext } from '../context.js'
import { teamFeed } from '../replica/feed-role.js'
import { type Row, valueOf } from '../row/row.js'

// What each device says of itself to the org's other devices: one row, `Device/<id>`, in the team's rows. `seen` is when it was last online, `read` how far it had read
// the team's rows then, as [incarnation, sequence].

/** A device whose rows have changed says anew how far it is as often as this, and one where nothing changes as often as heads are renewed, in ms. */
const busyMs = 5 * 60_000
const restMs = 60 * 60_000
/** How often it is looked whether a report is due, in ms. */
const lookMs = 60_000

export const deviceObject = 'Device'

export interface DeviceReport {
  readonly name: string | undefined
  readonly seen: number | undefined
  readonly read: readonly [incarnation: number, sequence: number] | undefined
}

export function readReport(row: Row | undefined): DeviceReport {
  const [name, seen, read] = ['name', 'seen', 'read'].map((field) => valueOf(row, field))
  const [incarnation, sequence] = Array.isArray(read) ? (read as readonly unknown[]) : []
  return {
    name: typeof name === 'string' && name !== '' ? name : undefined,
    seen: typeof seen === 'number' ? seen : undefined,
    read: typeof incarnation === 'number' && typeof sequence === 'number' ? [incarnation, sequence] : undefined,
  }
}

/**
 * Says that this device is online, and how far it has read. Where nothing but such reports changes, it says so once an hour.
 *
 * @param defaultName what the device is called until somebody names it
 * @returns a function that ends this
 */
export function reportDevice(context: EngineContext, defaultName: string | undefined): () => void {
  const { rows, replica, link, clock, identity, org } = context
  const feed = teamFeed(org.id, 'rows')
  let cancel = (): void => undefined
  let isChanged = true
  let isSaving = false

  const look = (): void => {
    // What it has read is told once it has read all that there is: before, the number would only worry.
    if (!link.isOnline || isSaving || !link.isSynced) return
    const now = clock.now() + link.clockOffset
    const { name, seen } = readReport(rows.get(deviceObject, identity.device))
    if (seen !== undefined && Math.abs(now - seen) < (isChanged ? busyMs : restMs)) return
    const { incarnation, cursor } = replica.position(feed)
    isChanged = false
    isSaving = true
    const named = name === undefined && defaultName !== undefined ? { name: defaultName } : {}
    rows
      .save([{ object: deviceObject, id: identity.device, values: { ...named, seen: now, read: [incarnation, cursor] } }])
      .catch((error: unknown) => context.problem(error instanceof Error ? error.message : 'This device could not say that it is online.'))
      .finally(() => (isSaving = false))
  }
  const lookLater = (): void => {
    cancel = clock.after(lookMs, () => {
      look()
      lookLater()
    })
  }
  lookLater()
  const ends = [
    link.watch(look),
    rows.watch((changes) => {
      if (changes.some(({ object }) => object !== deviceObject && object !== 'Head')) isChanged = true
    }),
  ]
  return () => {
    cancel()
    for (const end of ends) end()
  }
}

/** How many rows a device had not read when it reported: those whose last entry came later. Undefined where the relay has lost its data since. */
export function rowsBehind(context: Pick<EngineContext, 'replica' | 'org' | 'rows'>, device: DeviceId): number | undefined {
  const { replica, org, rows } = context
  const { read } = readReport(rows.get(deviceObject, device))
  const feed = teamFeed(org.id, 'rows')
  if (!read || read[0] !== replica.position(feed).incarnation) return undefined
  // What devices say of themselves is nothing that a person waits for.
  const reports = [deviceObject, 'Head'].flatMap((object) => [...rows.list(object).keys()].map((id) => [object, id] as const))
  return replica.rowsAfter(read[1], reports)
}
