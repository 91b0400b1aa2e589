import {
  type ConnectionId,
  type FeedName,
  mailboxFeedsOf,
  type OrgId,
  otherSide,
  parseConnectionId,
  parseMailboxId,
  parseOrgId,
} from '@entente/protocol'
import { connectionFeed, connectionTopics, isHeld, sideOf, teamFeed, textOf } from './feed-role.js'
import { isPaused } from './reading-bound.js'
import type { ReplicaContext } from './replica-context.js'
import type { StateChange } from './replica-state.js'

/** The parties of a connection, as this org names them to the relay. */
export interface Parties {
  readonly connection: ConnectionId
  readonly vendor: OrgId
  readonly partner: OrgId
  readonly salt: string
}

export interface Followed {
  readonly feeds: readonly FeedName[]
  readonly parties: readonly Parties[]
}

/** Rows of these objects decide which feeds are followed; the team's key is a Key. */
const decidingObjects: ReadonlySet<string> = new Set(['Connection', 'Invitation', 'Key'])

/** The feeds that this org follows. Computed again only after something that decides it has changed: it is asked for with every message. */
export class FollowedFeeds {
  readonly #context: ReplicaContext
  /** The own feeds of connections that have ended: whether they are followed depends on what is unpublished. */
  readonly #endingFeeds = new Set<FeedName>()
  #followed: Followed | undefined

  constructor(context: ReplicaContext) {
    this.#context = context
  }

  get(): Followed {
    this.#followed ??= this.#compute()
    return this.#followed
  }

  /** A row of this object has changed. */
  rowChanged(object: string): void {
    if (decidingObjects.has(object)) this.#followed = undefined
  }

  /** Dirty flags or the states of feeds have changed. */
  stateChanged({ dirtyFlags, feeds }: StateChange): void {
    if (!this.#followed || this.#endingFeeds.size === 0) return
    const decides = ([feed]: readonly [FeedName, ...unknown[]]): boolean => this.#endingFeeds.has(feed)
    if (dirtyFlags.some(decides) || feeds.some(decides)) this.#followed = undefined
  }

  /** The replica's state was loaded from the store. */
  stateLoaded(): void {
    this.#followed = undefined
  }

  #compute(): Followed {
    const { org, sealer, allRows } = this.#context
    const feeds: FeedName[] = []
    const parties: Parties[] = []
    this.#endingFeeds.clear()
    if (sealer.names) feeds.push(teamFeed(org, 'rows'), teamFeed(org, 'messages'))
    for (const row of allRows.list('Connection').values()) {
      const side = sideOf(row)
      const [state, vendor, partner, salt] = ['state', 'vendor', 'partner', 'salt'].map((field) => textOf(row, field))
      if (!side || !vendor || !partner || !salt || !textOf(row, 'secret')) continue
      const connection = parseConnectionId(row.id)
      const own = connectionTopics.map((topic) => connectionFeed(connection, side, topic))
      const read = isPaused(row) ? [] : connectionTopics.filter((topic) => topic === 'messages' || !isHeld(row, topic))
      const peers = read.map((topic) => connectionFeed(connection, otherSide(side), topic))
      if (state === 'Enabled' || state === 'Pending') feeds.push(...own, ...peers)
      else feeds.push(...this.#feedsOfEnded(own, connectionFeed(connection, side, 'messages')))
      parties.push({ connection, vendor: parseOrgId(vendor), partner: parseOrgId(partner), salt })
    }
    for (const row of allRows.list('Invitation').values()) {
      const state = textOf(row, 'state')
      if (sideOf(row) && (state === 'open' || state === 'claimed')) feeds.push(...mailboxFeedsOf(parseMailboxId(row.id)))
    }
    return { feeds, parties }
  }

  /**
   * An ended connection is followed until its docs at the relay are erased and the relay knows of the end. Its messages are followed for good, so that a
   * relay that has lost the end hears of it again (rule IN3).
   */
  #feedsOfEnded(own: readonly FeedName[], messages: FeedName): readonly FeedName[] {
    for (const feed of own) this.#endingFeeds.add(feed)
    return own.some((feed) => this.#context.replicaState.isUnsettled(feed)) ? own : [messages]
  }
}
