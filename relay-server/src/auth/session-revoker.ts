import { setImmediate } from 'node:timers/promises'
import { type DeviceId, type ErrorCode, type FeedName, type OrgId, orgOfRosterFeed } from '@entente/protocol'
import { isServed } from './org-admission.js'
import type { RelayConfig } from '../config/config.js'
import type { Presence, PresentSession } from './presence.js'
import type { Rosters } from './rosters.js'
import { SingleFlight } from '../flow/single-flight.js'
import type { Store } from '../store/store.js'

/** Orgs checked in one turn of the event loop. */
const orgsAtOnce = 100

const removedWords = 'This device is not on the roster of its org.'
const unservedWords = 'This relay no longer serves your org; ask its operator.'

export interface RevocableSession extends PresentSession {
  readonly device: DeviceId | undefined
  fail(code: ErrorCode, detail: string): void
}

type PresentSessions = Pick<Presence<RevocableSession>, 'orgs' | 'sessionsOf'>

/** Ends the sessions of devices that are no longer on the roster, and of orgs that the operator no longer serves (rules RO3, AM3). */
export class SessionRevoker {
  readonly #presence: PresentSessions
  readonly #config: Pick<RelayConfig, 'admission' | 'helloMs'>
  readonly #store: Store
  readonly #ofOrgs = new SingleFlight(() => this.#revokeOrgs())
  readonly #rosters: Rosters
  readonly #ofDevices = new SingleFlight((org: OrgId) => this.#revokeDevices(org, this.#presence.sessionsOf(org)))
  #changedAt = Number.NEGATIVE_INFINITY

  constructor(presence: PresentSessions, config: Pick<RelayConfig, 'admission' | 'helloMs'>, store: Store, rosters: Rosters) {
    this.#presence = presence
    this.#config = config
    this.#store = store
    this.#rosters = rosters
  }

  /** Ends the sessions of orgs that the operator has barred since. */
  async accountsChanged(): Promise<void> {
    this.#changedAt = performance.now()
    await this.#ofOrgs.ask(undefined)
  }

  /** The org has a higher roster than before. */
  async rosterChanged(org: OrgId): Promise<void> {
    this.#changedAt = performance.now()
    await this.#ofDevices.ask(org)
  }

  /** A feed of rosters may have grown at another relay. */
  async feedGrew(feed: FeedName): Promise<void> {
    const org = orgOfRosterFeed(feed)
    if (org !== undefined) await this.rosterChanged(org)
  }

  /** Rechecks a session that opened while a roster or an account changed: the change could not find it yet. */
  async entered(session: RevocableSession): Promise<void> {
    if (performance.now() - this.#changedAt > 2 * this.#config.helloMs) return
    if (!isServed(await this.#store.account(session.org), this.#config)) session.fail('AUTH', unservedWords)
    await this.#revokeDevices(session.org, [session])
  }

  async #revokeOrgs(): Promise<void> {
    for (const [index, org] of this.#presence.orgs().entries()) {
      if (index % orgsAtOnce === orgsAtOnce - 1) await setImmediate()
      if (isServed(await this.#store.account(org), this.#config)) continue
      for (const session of this.#presence.sessionsOf(org)) session.fail('AUTH', unservedWords)
    }
  }

  /** @param sessions of one org */
  async #revokeDevices(org: OrgId, sessions: readonly RevocableSession[]): Promise<void> {
    if (sessions.length === 0) return
    const roster = await this.#rosters.highest(org)
    for (const session of sessions) if (session.device && !roster?.devices.has(session.device)) session.fail('AUTH', removedWords)
  }
}
