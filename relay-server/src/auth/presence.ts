import { type FeedName, type OrgId, rosterFeedOf } from '@entente/protocol'

/** A session past its hello. */
export interface PresentSession {
  readonly org: OrgId
}

/** The orgs that have sessions here, and the feeds in which their rosters appear. */
export class Presence<S extends PresentSession> {
  /** A single session is stored as itself, because most orgs have one; several are a set. */
  readonly #byOrg = new Map<OrgId, S | Set<S>>()
  readonly #entered: (session: S) => void

  /** @param entered is called with each session that is added */
  constructor(entered: (session: S) => void = () => {}) {
    this.#entered = entered
  }

  add(session: S): void {
    const here = this.#byOrg.get(session.org)
    if (here === undefined) this.#byOrg.set(session.org, session)
    else if (here instanceof Set) here.add(session)
    else if (here !== session) this.#byOrg.set(session.org, new Set([here, session]))
    this.#entered(session)
  }

  remove(session: S): void {
    const here = this.#byOrg.get(session.org)
    if (here instanceof Set) {
      here.delete(session)
      if (here.size === 0) this.#byOrg.delete(session.org)
    } else if (here === session) this.#byOrg.delete(session.org)
  }

  orgs(): readonly OrgId[] {
    return [...this.#byOrg.keys()]
  }

  sessionsOf(org: OrgId): readonly S[] {
    const here = this.#byOrg.get(org)
    if (here === undefined) return []
    return here instanceof Set ? [...here] : [here]
  }

  *feeds(): Iterable<FeedName> {
    for (const org of this.#byOrg.keys()) yield rosterFeedOf(org)
  }
}
