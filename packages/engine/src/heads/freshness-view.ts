import { type FeedName, type Key, parseFeed } from '@entente/protocol'
import type { SignedFeed, SignedState } from '../api/index.js'
import type { EngineContext } from '../context.js'
import { textOf } from '../replica/feed-role.js'
import type { FreshnessTable, Steps } from './freshness.js'

/** What pages show of the freshness of feeds and mirrors. */
export class FreshnessView {
  readonly #context: Pick<EngineContext, 'rows' | 'replica'>
  readonly #freshness: FreshnessTable

  constructor(context: Pick<EngineContext, 'rows' | 'replica'>, freshness: FreshnessTable) {
    this.#context = context
    this.#freshness = freshness
  }

  /** Of each feed that is followed, but those of mailboxes. */
  feeds(): readonly SignedFeed[] {
    const shown: SignedFeed[] = []
    for (const feed of this.#context.replica.followed().feeds) {
      const parsed = parseFeed(feed)
      if (parsed.kind === 'mailbox') continue
      const { keys, ...state } = this.#stateOf(feed)
      shown.push({
        ...state,
        connection: parsed.kind === 'connection' ? parsed.connection : undefined,
        whose: this.#context.replica.isOwn(feed) ? 'own' : 'peer',
        topic: parsed.topic,
        records: keys.flatMap((key) => this.#recordOf(key)),
      })
    }
    return shown
  }

  /** Of one mirror: another key that differs does not touch it. */
  mirror(feed: FeedName, key: Key): SignedState {
    const { keys, ...state } = this.#stateOf(feed)
    if (state.state !== 'differs' || keys.length === 0 || keys.includes(key)) return state
    return { state: 'signed', signedAt: this.#freshness.get(feed).newest?.time, since: undefined }
  }

  /** By when an entry of an own feed stood at the relay and had been read by the peer, by the signers' clocks; undefined where nobody has signed that. */
  receipt(feed: FeedName, sequence: number): { readonly relayed: number | undefined; readonly read: number | undefined } {
    const { receipts } = this.#freshness.get(feed)
    const isPresent = receipts?.incarnation === this.#context.replica.position(feed).incarnation
    const timeOf = (steps: Steps = []): number | undefined => steps.find(([reached]) => reached >= sequence)?.[1]
    if (!isPresent) return { relayed: undefined, read: undefined }
    const [relayed, read] = [timeOf(receipts?.relayed), timeOf(receipts?.read)]
    // What a peer has read, the relay had.
    return { relayed: read !== undefined && read < (relayed ?? Number.POSITIVE_INFINITY) ? read : relayed, read }
  }

  #stateOf(feed: FeedName): SignedState & { readonly keys: readonly Key[] } {
    const { confirmed: signedAt, newest, trouble } = this.#freshness.get(feed)
    if (trouble) return { state: trouble.kind === 'held' ? 'held back' : 'differs', signedAt, since: trouble.since, keys: trouble.keys }
    const isWhole = newest !== undefined && signedAt === newest.time && this.#context.replica.position(feed).cursor === newest.sequence + 1
    return { state: isWhole ? 'signed' : 'waiting', signedAt, since: undefined, keys: [] }
  }

  #recordOf(key: Key): readonly { readonly object: 'Lead' | 'Opportunity'; readonly id: string }[] {
    const map = this.#context.rows.get('RecordMap', key)
    const [object, id] = [textOf(map, 'object'), textOf(map, 'record')]
    return id !== undefined && (object === 'Lead' || object === 'Opportunity') ? [{ object, id }] : []
  }
}
