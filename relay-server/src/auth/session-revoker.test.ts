import { type DeviceId, type OrgId, parseDeviceId, parseOrgId, type Roster, rosterFeedOf } from '@entente/protocol'
import { describe, expect, it } from 'vitest'
import { defaultConfig } from '../config/config.js'
import { SessionRevoker } from './session-revoker.js'
import { Presence } from './presence.js'
import { noUsage, type Standing } from '../store/account.js'
import type { Store } from '../store/store.js'
import type { Rosters } from './rosters.js'

/** A session that takes down how it was ended. */
class Guest {
  readonly org: OrgId
  readonly device: DeviceId
  failed = ''

  constructor(org: OrgId, device: DeviceId) {
    this.org = org
    this.device = device
  }

  fail(code: string, detail: string): void {
    this.failed ||= `${code} ${detail}`
  }
}

const orgs = Array.from({ length: 250 }, (_, index) => parseOrgId(String(index).padStart(42, 'o') + 'A'))
const vendor = orgs[0] ?? parseOrgId('A'.repeat(43))
const deviceOf = (index: number): DeviceId => parseDeviceId(String(index).padStart(42, 'd') + 'A')

/** A relay’s store, as far as it is asked whom the relay serves. */
class Register {
  readonly standings = new Map<OrgId, Standing>()
  readonly removed = new Set<DeviceId>()
  readonly asked: string[] = []
  atOnce = 0
  mostAtOnce = 0

  async account(org: OrgId): ReturnType<Store['account']> {
    this.asked.push(org)
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.atOnce)
    await Promise.resolve()
    this.atOnce--
    return { org, standing: this.standings.get(org) ?? 'none', quota: {}, usage: noUsage }
  }

  async highest(org: OrgId): ReturnType<Rosters['highest']> {
    this.asked.push(`roster of ${org}`)
    // Of the roster only its devices are looked at.
    return { devices: { has: (device: DeviceId) => !this.removed.has(device) } as Roster['devices'] } as Roster
  }
}

function setUp(): { readonly register: Register; readonly presence: Presence<Guest>; readonly sessionRevoker: SessionRevoker } {
  const register = new Register()
  const presence = new Presence<Guest>()
  return {
    register,
    presence,
    sessionRevoker: new SessionRevoker(
      presence,
      defaultConfig,
      register as Partial<Store> as Store,
      register as Partial<Rosters> as Rosters,
    ),
  }
}

describe('a relay that learns whom it serves no more', () => {
  it('[AM3] ends the sessions of an org that was revoked, and no others', async () => {
    const { register, presence, sessionRevoker } = setUp()
    const guests = orgs.map((org, index) => new Guest(org, deviceOf(index)))
    for (const guest of guests) presence.add(guest)
    register.standings.set(vendor, 'revoked')
    await sessionRevoker.accountsChanged()
    expect(guests.filter(({ failed }) => failed.startsWith('AUTH'))).toEqual([guests[0]])
  })

  it('reads each org once or twice and one after the other, however often accounts change, and leaves the loop to others', async () => {
    const { register, presence, sessionRevoker } = setUp()
    orgs.forEach((org, index) => presence.add(new Guest(org, deviceOf(index))))
    let timeSlices = 0
    let isDone = false
    const turn = (): void => {
      timeSlices++
      if (!isDone) setImmediate(turn)
    }
    setImmediate(turn)
    await Promise.all(Array.from({ length: 20 }, () => sessionRevoker.accountsChanged()))
    isDone = true
    expect(register.asked.length).toBe(2 * orgs.length)
    expect(register.mostAtOnce).toBe(1)
    expect(timeSlices).toBeGreaterThanOrEqual(4)
  })

  it('[RO3] ends the sessions of a removed device, having read the roster once', async () => {
    const { register, presence, sessionRevoker } = setUp()
    const guests = Array.from({ length: 900 }, (_, index) => new Guest(vendor, deviceOf(index)))
    for (const guest of guests) presence.add(guest)
    register.removed.add(deviceOf(7))
    await sessionRevoker.feedGrew(rosterFeedOf(vendor))
    expect(guests.filter(({ failed }) => failed.startsWith('AUTH'))).toEqual([guests[7]])
    expect(register.asked).toEqual([`roster of ${vendor}`])
  })

  it.each(['the org', 'the device'])('looks once more at who comes in just after %s was shut out', async (who) => {
    const { register, presence, sessionRevoker } = setUp()
    // The hello is under way and has found nothing when this comes.
    if (who === 'the org') {
      register.standings.set(vendor, 'revoked')
      await sessionRevoker.accountsChanged()
    } else {
      register.removed.add(deviceOf(7))
      await sessionRevoker.rosterChanged(vendor)
    }
    const [late, neighbour] = [new Guest(vendor, deviceOf(7)), new Guest(orgs[1] ?? vendor, deviceOf(8))]
    for (const guest of [late, neighbour]) {
      presence.add(guest)
      await sessionRevoker.entered(guest)
    }
    expect([late.failed.slice(0, 4), neighbour.failed]).toEqual(['AUTH', ''])
  })

  it('asks the store nothing about who comes in while nobody was shut out', async () => {
    const { register, sessionRevoker } = setUp()
    await sessionRevoker.entered(new Guest(vendor, deviceOf(1)))
    expect(register.asked).toEqual([])
  })
})
