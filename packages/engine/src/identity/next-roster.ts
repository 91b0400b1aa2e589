import { decodeRoster, limits, type ListedDevice, type Roster, rosterFeedOf, rosterKey, rosterNumber } from '@entente/protocol'
import { DeviceTable } from '../device/device-table.js'
import { EngineError } from '../error.js'
import { SerialQueue } from '../flow/serial-queue.js'
import type { Store } from '../port/store.js'
import type { Tabs } from '../port/tabs.js'
import type { Reconciler } from '../reconcilers.js'
import type { ReplicaView } from '../replica/replica.js'
import { whileUnchanged } from '../row/rows.js'
import type { Identity } from './identity.js'
import { readRoster } from './roster.js'
import { rosterEdit, type Rosters } from './rosters.js'

// An admin's device signs the next roster of its org. The relay keeps one roster under each number for good: of two admins who sign the same number at once, the
// second's change is made anew on the first's roster, or dropped where the second is no admin any more (rule RO5).

/** What the devices of an org become, by what they are. Where nothing changes, nothing is signed. */
export type DeviceChange = (devices: readonly ListedDevice[]) => readonly ListedDevice[]

/** How one roster differs from the one before it, so that the same can be made of another. */
interface Difference {
  readonly added: readonly ListedDevice[]
  readonly changed: readonly ListedDevice[]
  readonly removed: readonly string[]
}

/** A roster that this device signed, until the relay has it. */
interface Signed extends Difference {
  readonly number: number
  readonly token: string
}

export interface RosterChangesOptions {
  readonly store: Store
  readonly tabs: Tabs
  readonly replica: ReplicaView
  readonly identity: Identity
  readonly rosters: Rosters
  /** Milliseconds since 1970 by the relay's clock, as last heard. */
  readonly now: () => number
  /** What has to be done before this device publishes anything beside the rosters that the relay has: it notes whom they removed, for example. */
  readonly beforeTaken: () => Promise<unknown>
  readonly problem: (what: string) => void
}

/** Signs the next roster of the own org, and sees it through to the relay. */
export class RosterChanges {
  readonly #options: RosterChangesOptions
  readonly #signed: DeviceTable<Signed>
  readonly #queue = new SerialQueue()

  static async open(options: RosterChangesOptions): Promise<RosterChanges> {
    return new RosterChanges(options, await DeviceTable.open<Signed>(options.store, options.tabs, 'signed roster'))
  }

  private constructor(options: RosterChangesOptions, signed: DeviceTable<Signed>) {
    this.#options = options
    this.#signed = signed
  }

  /**
   * Signs the next roster and saves it. It travels by itself; where another admin's is at the relay before it, the same change is made of that one.
   *
   * @returns the highest roster then
   * @throws EngineError NOT_ALLOWED where the device is no admin's, or no admin would be left; TOO_MANY beyond 100 devices
   */
  change(change: DeviceChange): Promise<Roster> {
    return this.#queue.run(() => this.#change(change))
  }

  close(): void {
    this.#signed.close()
  }

  /** Takes the rosters that the relay has, and makes the changes anew whose roster it does not have. */
  reconciler(): Reconciler {
    const { id } = this.#options.identity.org
    const take = async (): Promise<void> => {
      const { replica, beforeTaken } = this.#options
      const highest = this.#atRelay().at(-1)?.[0] ?? 0
      await this.#followRelay()
      await beforeTaken()
      replica.keyring.tookRoster(highest)
    }
    return { name: 'next roster', subjects: () => [{ id }], react: () => this.#queue.run(take) }
  }

  async #change(change: DeviceChange): Promise<Roster> {
    const { identity, rosters, replica, now } = this.#options
    const { rows } = replica
    const before = await rosters.highest(identity.org.id)
    if (before?.devices.get(identity.device)?.role !== 'admin')
      throw new EngineError('NOT_ALLOWED', 'Only an admin changes the devices of the org. Ask an admin of your org.')
    const present = [...before.devices.values()].map(listed)
    const devices = change(present)
    const difference = differenceOf(present, devices)
    if (difference.added.length + difference.changed.length + difference.removed.length === 0) return before
    if (!devices.some(({ role }) => role === 'admin'))
      throw new EngineError('NOT_ALLOWED', 'An org keeps at least one admin’s device. Make another device an admin’s before.')
    if (devices.length > limits.devicesPerOrg) throw tooManyDevices()
    const number = before.number + 1
    const claims = { org: identity.org.id, number, previous: before.hash, time: Math.max(0, Math.floor(now())), devices: [...devices] }
    const token = await identity.signRoster(claims)
    await identity.show()
    const edit = rosterEdit({ org: identity.org.id, number, token })
    const noted = this.#signed.attach([[String(number), { number, token, ...difference }]])
    // Another tab may have signed one meanwhile.
    const saved = await rows.save([edit], whileUnchanged(rows, [edit]), () => noted)
    if (!saved) return this.#change(change)
    // Verified, so that what answers at once knows it too.
    return (await rosters.highest(identity.org.id)) ?? decodeRoster(token)
  }

  async #followRelay(): Promise<void> {
    const { identity, rosters, replica } = this.#options
    const { rows } = replica
    const org = identity.org.id
    for (const [number, token] of this.#atRelay()) {
      const history = await rosters.history(org)
      const before = history.findLast((each) => each.number < number)
      // This device has the first one, unless it was founded on a later one of the root key.
      const isFirst = number === 1 && (history[0]?.number ?? 0) > 1
      if ((!before && !isFirst) || history.find((each) => each.number === number)?.token === token) continue
      if (await readRoster(token, org, before)) await rows.save([rosterEdit({ org, number, token })])
    }
    const found = new Map(this.#atRelay())
    const signed = [...this.#signed.all.values()].sort((a, b) => a.number - b.number)
    const highest = Math.max(0, ...found.keys())
    // The relay takes no roster below its highest: the root key's may stand far above. What was signed on a roster that the relay does not have is lost with it.
    const lost = signed.findIndex(({ number, token }) => number <= highest && found.get(number) !== token)
    for (const [index, each] of signed.entries()) {
      const isLost = lost >= 0 && index >= lost
      if (!isLost && found.get(each.number) !== each.token) continue
      if (isLost) await this.#makeAnew(each)
      // Made anew, it may stand under the same number.
      if (this.#signed.get(String(each.number))?.token === each.token)
        await this.#signed.write(this.#signed.attach([[String(each.number), undefined]]))
    }
  }

  async #makeAnew({ added, changed, removed }: Difference): Promise<void> {
    try {
      await this.#change((devices) => {
        const isHere = (key: string): boolean => devices.some((device) => device.key === key)
        const kept = devices.map((device) => changed.find(({ key }) => key === device.key) ?? device)
        return [...kept, ...added.filter(({ key }) => !isHere(key))].filter(({ key }) => !removed.includes(key))
      })
    } catch (error) {
      if (!(error instanceof EngineError) || (error.code !== 'NOT_ALLOWED' && error.code !== 'TOO_MANY')) throw error
      this.#options.problem(
        `Another admin changed the devices of the org at the same moment, so a change made here was dropped. ${error.message}`,
      )
    }
  }

  /** The own org's rosters as the relay has them. */
  #atRelay(): readonly (readonly [number: number, token: string])[] {
    const { identity, replica } = this.#options
    const found: (readonly [number, string])[] = []
    for (const [key, { body }] of replica.inbox(rosterFeedOf(identity.org.id), 'roster')) {
      const number = rosterNumber(key)
      if (number !== undefined && key === rosterKey(number) && typeof body === 'string') found.push([number, body])
    }
    return found.sort(([a], [b]) => a - b)
  }
}

/** An org that has all the devices it may have gets no further one. */
export function tooManyDevices(): EngineError {
  return new EngineError('TOO_MANY', `An org has at most ${limits.devicesPerOrg} devices. Remove one before.`)
}

function listed({ key, exchange, person, role }: ListedDevice): ListedDevice {
  return { key, exchange, person, role }
}

function differenceOf(before: readonly ListedDevice[], after: readonly ListedDevice[]): Difference {
  const known = new Map(before.map((device) => [device.key, device]))
  const isSame = (a: ListedDevice, b: ListedDevice): boolean => a.exchange === b.exchange && a.person === b.person && a.role === b.role
  const added = after.filter(({ key }) => !known.has(key))
  const changed = after.filter((device) => {
    const present = known.get(device.key)
    return present !== undefined && !isSame(present, device)
  })
  return { added, changed, removed: [...known.keys()].filter((key) => !after.some((device) => device.key === key)) }
}
