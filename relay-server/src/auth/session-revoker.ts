import { setImmediate } from 'node:timers/promises'
import { type DeviceId, type ErrorCode, type FeedName, type OrgId } from '@entente/protocol'
import { isServed } from './org-admission.js'
import type { RelayConfig } from '../config/config.js'
import type { Presence, PresentSession } from './presence.js'
import { findRevoked } from './revocation.js'
import { SingleFlight } from '../flow/single-flight.js'
import type { Store } from '../store/store.js'

/** Orgs checked in one turn of the event loop, and devices looked up at once. */
const orgsAtOnce = 100
const devicesAtOnce = 500

const revokedWords = 'This device has been revoked.'
const unservedWords = 'This relay no longer serves your org; ask its operator.'

export interface RevocableSession extends PresentSession {
  readonly device: DeviceId | undefined
  fail(code: ErrorCode, detail: string): void
}

type PresentSessions = Pick<Presence<RevocableSession>, 'orgs' | 'sessionsOf' | 'sessionsByFeed'>

/** Ends the sessions of revoked devices, and of orgs that the operator no longer serves (rules ID4, AM3). */
export class SessionRevoker {
  readonly #presence: PresentSessions
  readonly #config: Pick<RelayConfig, 'admission' | 'helloMs'>
  readonly #store: Store
  readonly #ofOrgs = new SingleFlight(() => this.#revokeOrgs())
  readonly #ofDevices = new SingleFlight((feed: FeedName) => this.#revokeDevices(this.#presence.sessionsByFeed(feed)))
  #changedAt = Number.NEGATIVE_INFINITY

  constructor(presence: PresentSessions, config: Pick<RelayConfig, 'admission' | 'helloMs'>, store: Store) {
    this.#presence = presence
    this.#config = config
    this.#store = store
  }

  /** Ends the sessions of orgs that the operator has barred since. */
  async accountsChanged(): Promise<void> {
    this.#changedAt = performance.now()
    await this.#ofOrgs.ask(undefined)
  }

  /** A feed of revocations may have grown at another relay. */
  async feedGrew(feed: FeedName): Promise<void> {
    this.#changedAt = performance.now()
    await this.#ofDevices.ask(feed)
  }

  /** Ends the sessions of a device that its org revoked at this relay. @param sessions all sessions, those before their hello included */
  revoked(org: OrgId, device: DeviceId, sessions: Iterable<RevocableSession>): void {
    this.#changedAt = performance.now()
    // An org can revoke its own devices only.
    for (const session of sessions) if (session.device === device && session.org === org) session.fail('AUTH', revokedWords)
  }

  /** Rechecks revocations that arrived during the hello: they could not find the session yet. */
  async entered(session: RevocableSession): Promise<void> {
    if (performance.now() - this.#changedAt > 2 * this.#config.helloMs) return
    if (!isServed(await this.#store.account(session.org), this.#config)) session.fail('AUTH', unservedWords)
    await this.#revokeDevices([session])
  }

  async #revokeOrgs(): Promise<void> {
    for (const [index, org] of this.#presence.orgs().entries()) {
      if (index % orgsAtOnce === orgsAtOnce - 1) await setImmediate()
      if (isServed(await this.#store.account(org), this.#config)) continue
      for (const session of this.#presence.sessionsOf(org)) session.fail('AUTH', unservedWords)
    }
  }

  /** @param sessions of one org */
  async #revokeDevices(sessions: readonly RevocableSession[]): Promise<void> {
    for (let at = 0; at < sessions.length; at += devicesAtOnce) {
      const some = sessions.slice(at, at + devicesAtOnce)
      const revoked = await findRevoked(some, this.#store)
      for (const session of revoked) session.fail('AUTH', revokedWords)
    }
  }
}
