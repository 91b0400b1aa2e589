import { decodeRoster, type OrgId, ProtocolError, type Roster, type RosterDevice, signingKeyOf, toPublicKey } from '@entente/protocol'
import { compactVerify, importJWK } from 'jose'
import { LruMap } from '../flow/lru.js'
import type { Store } from '../store/store.js'

/** Capacity, in orgs. A roster takes some kilobytes; an evicted one is read from the store again, and not verified again. */
const keptRosters = 500

/** A key that verifies signatures. */
export type VerifyingKey = Awaited<ReturnType<typeof importJWK>>

/**
 * The highest roster of each org that this relay or another one on the same store has seen (rule RO3). Only verified rosters get into the store, so what is read
 * from there is believed.
 */
export class Rosters {
  readonly #store: Store
  readonly #changed: (org: OrgId) => void
  #held = new LruMap<OrgId, Roster>(keptRosters)
  readonly #published = new LruMap<OrgId, Pick<Roster, 'number' | 'token'>>(keptRosters)
  readonly #keys = new WeakMap<RosterDevice, Promise<VerifyingKey>>()

  /** @param changed is called when an org has a higher roster than before */
  constructor(store: Store, changed: (org: OrgId) => void) {
    this.#store = store
    this.#changed = changed
  }

  /**
   * The highest roster of an org, or undefined where none is known.
   *
   * @param number that of the roster that the store keeps, as it was read just now
   */
  async highest(org: OrgId, number?: number): Promise<Roster | undefined> {
    const known = this.#held.get(org)
    const kept = number ?? (await this.#store.standing(org)).roster
    if (kept <= (known?.number ?? 0)) return known
    const token = await this.#store.roster(org)
    if (token === undefined) return undefined
    const roster = decodeRoster(token)
    this.#held.set(org, roster)
    return roster
  }

  /**
   * The highest roster that an org has published since this relay began, so that its devices can read it. What was only brought with a hello locks out nobody: an org may
   * have gone back to before it.
   */
  published(org: OrgId): Pick<Roster, 'number' | 'token'> | undefined {
    return this.#published.get(org)
  }

  /** The key of a device on a roster. */
  keyOf(device: RosterDevice): Promise<VerifyingKey> {
    const known = this.#keys.get(device) ?? importJWK(toPublicKey(device.key), 'EdDSA')
    this.#keys.set(device, known)
    return known
  }

  /**
   * Keeps a verified roster that is higher than the one before it. The sessions of devices that are not on it end.
   *
   * @returns false where one with this number, or a higher one, is kept already
   */
  async keep(roster: Roster): Promise<boolean> {
    if (!(await this.#store.keepRoster(roster))) return false
    const hadOne = this.#held.get(roster.org) !== undefined
    this.#held.set(roster.org, roster)
    // The first one that is seen here removes nobody.
    if (hadOne) this.#changed(roster.org)
    return true
  }

  /**
   * Takes in a roster that an org publishes (rules RO3 and RO5): the next one is verified and kept. One that is known, or that was before it, changes nothing.
   *
   * @throws ProtocolError FRAME or SIZE for a malformed one, AUTH for one that does not follow, BEHIND for another one than that which is kept under its number
   */
  async publish(org: OrgId, number: number, token: string): Promise<void> {
    await this.#publish(org, number, token)
    if (number > (this.#published.get(org)?.number ?? 0)) this.#published.set(org, { number, token })
  }

  async #publish(org: OrgId, number: number, token: string): Promise<void> {
    const roster = decodeRoster(token)
    if (roster.org !== org || roster.number !== number)
      throw new ProtocolError('FRAME', 'A roster is of another org or number than its key says.')
    const before = await this.highest(org)
    if (before && roster.number < before.number) return
    if (before?.number === roster.number) {
      if (roster.hash !== before.hash) throw new ProtocolError('BEHIND', 'The org has another roster with this number.')
      return
    }
    await verifyRoster(roster, before)
    if (!(await this.keep(roster))) await this.#publish(org, number, token)
  }

  /** Drops what it holds of an org, or of all, because another relay may have changed the store. */
  forget(org?: OrgId): void {
    if (org === undefined) this.#held = new LruMap(keptRosters)
    else this.#held.delete(org)
  }
}

/** The rosters that a device brings before its hello, each verified as it comes (rule RO4). Of all of them it holds the last one. */
export class BroughtRosters {
  readonly #rosters: Rosters
  #last: Roster | undefined
  #known: Roster | undefined
  #isBroken = false

  constructor(rosters: Rosters) {
    this.#rosters = rosters
  }

  /** Says nothing about what is wrong with one: a stranger would learn what the relay knows of the org. */
  async take(token: string): Promise<void> {
    if (this.#isBroken) return
    try {
      await this.#take(decodeRoster(token))
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.#isBroken = true
      this.#last = undefined
    }
  }

  /** The highest roster of an org that was brought or known then. */
  lastOf(org: OrgId): Roster | undefined {
    return this.#last?.org === org ? this.#last : undefined
  }

  async #take(roster: Roster): Promise<void> {
    if (this.#last?.org !== roster.org) this.#last = this.#known = await this.#rosters.highest(roster.org)
    // One that the relay knows, or knows a later one than, need not be verified.
    if (roster.number <= (this.#known?.number ?? 0)) return
    await verifyRoster(roster, this.#last, true)
    this.#last = roster
  }
}

/** @param isPath whether rosters between the two may be left out (rule RO7). @throws ProtocolError AUTH for a roster that does not follow, or whose signature is wrong */
async function verifyRoster(roster: Roster, before: Roster | undefined, isPath = false): Promise<void> {
  const key = await importJWK(signingKeyOf(roster, before, isPath), 'EdDSA')
  try {
    await compactVerify(roster.token, key, { algorithms: ['EdDSA'] })
  } catch {
    throw new ProtocolError('AUTH', 'The signature of a roster is wrong.')
  }
}
