import { setImmediate } from 'node:timers/promises'
import { type DeviceId, type ErrorCode, type FeedName, type OrgId } from '@entente/protocol'
import { isServed } from './org-admission.js'
import type { RelayConfig } from '../config/config.js'
import type { Presence, Present } from './presence.js'
import { findRevoked } from './revocation.js'
import { SingleFlight } from '../flow/single-flight.js'
import type { Store } from '../store/store.js'

/** Orgs that are looked at before others get their turn of the loop, and devices that the store is asked about at once. */
const orgsAtOnce = 100
const devicesAtOnce = 500

const revokedWords = 'This device has been revoked.'
const unservedWords = 'This relay serves your org no more; ask its operator.'

export interface RevocableSession extends Present {
  readonly device: DeviceId | undefined
  fail(code: ErrorCode, detail: string): void
}

type Guests = Pick<Presence<RevocableSession>, 'orgs' | 'sessionsOf' | 'sessionsByFeed'>

/** Ends the sessions of those whom the relay serves no more (rules ID4, AM3): devices that were revoked, and orgs by the operator. */
export class SessionRevoker {
  readonly #presence: Guests
  readonly #config: Pick<RelayConfig, 'admission' | 'helloMs'>
  readonly #store: Store
  readonly #ofOrgs = new SingleFlight(() => this.#revokeOrgs())
  readonly #ofDevices = new SingleFlight((feed: FeedName) => this.#revokeDevices(this.#presence.sessionsByFeed(feed)))
  #changedAt = Number.NEGATIVE_INFINITY

  constructor(presence: Guests, config: Pick<RelayConfig, 'admission' | 'helloMs'>, store: Store) {
    this.#presence = presence
    this.#config = config
    this.#store = store
  }

  /** What an operator decides about orgs has changed. */
  async accountsChanged(): Promise<void> {
    this.#changedAt = performance.now()
    await this.#ofOrgs.ask(undefined)
  }

  /** A feed of revocations may have grown at another relay. */
  async feedGrew(feed: FeedName): Promise<void> {
    this.#changedAt = performance.now()
    await this.#ofDevices.ask(feed)
  }

  /** An org revoked a device at this relay. @param sessions all that there are, those among them that had no hello yet */
  revoked(org: OrgId, device: DeviceId, sessions: Iterable<RevocableSession>): void {
    this.#changedAt = performance.now()
    // What an org says of another one's device means nothing.
    for (const session of sessions) if (session.device === device && session.org === org) session.fail('AUTH', revokedWords)
  }

  /** A session is present from now on. What was told while its hello was under way, which found nothing yet, has found no session. */
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
