import {
  createDoc,
  type Epoch,
  type FeedName,
  headKey,
  type Key,
  loadDoc,
  parseKey,
  policyKey,
  sides,
  writeSlots,
  zeroEpoch,
} from '@entente/protocol'
import { connectionFeed, teamFeed } from '../replica/feed-role.js'
import { Attacker, highStamp } from './attacker.js'
import type { Chance } from './chance.js'
import type { Lie } from './lying-socket.js'
import type { MemoryRelay } from './relay.js'
import { entriesAfter, feedOf, type Kept, policiesOf, type RelayState, wholeOf } from './relay-state.js'
import { partnerOrg, sampleConnection, vendorOrg } from './sample-connection.js'

/** Who lies in a run: the relay, the partner over an honest relay, or the partner together with the relay. */
export type Liars = 'relay' | 'peer' | 'both'

/** What a device is shown of a feed: entries up to a sequence, and none of a key. */
interface View {
  readonly above: number
  readonly hidden: Key | undefined
}

const docs = (side: (typeof sides)[number]): FeedName => connectionFeed(sampleConnection, side, 'lead')
const messages = (side: (typeof sides)[number]): FeedName => connectionFeed(sampleConnection, side, 'messages')
const allFeeds = [...sides.flatMap((side) => [docs(side), messages(side)]), teamFeed(vendorOrg, 'rows'), teamFeed(partnerOrg, 'rows')]

/** The lies of a simulation. Each is of one kind that a relay or a peer can tell without the keys that it lacks. */
export class SimulatedLiar {
  readonly #liars: Liars
  readonly #chance: Chance
  readonly #relay: MemoryRelay
  readonly #keys: readonly Key[]
  readonly #attacker = new Attacker()
  readonly #views = new Map<string, View>()
  /** Places that are told once that the relay does not know their position. */
  readonly #losses = new Set<string>()
  #past: RelayState[] = []

  /** @param keys the keys of docs that may stand in the feeds */
  constructor(liars: Liars, chance: Chance, relay: MemoryRelay, keys: readonly string[]) {
    this.#liars = liars
    this.#chance = chance
    this.#relay = relay
    this.#keys = keys.map((key) => parseKey(key))
  }

  /** Remembers what the disk holds now and then, to show it again later. */
  note(): void {
    if (this.#chance.is(0.1)) this.#past = [...this.#past.slice(-3), this.#relay.state]
  }

  /** From now on the relay tells each device all that its disk holds. */
  stop(): void {
    this.#views.clear()
    this.#losses.clear()
  }

  /** What the relay says to a device in place of entries. */
  lieTo(device: string): Lie {
    return (feed, message) => {
      const place = `${device} ${feed}`
      if (this.#losses.delete(place))
        return [{ type: 'refused', what: 'feed', subject: message.feed, code: 'LOST', version: 0, retryMs: 0, detail: 'A lie.' }]
      const view = this.#views.get(place)
      if (!view) return [message]
      return [{ ...message, entries: message.entries.filter(({ sequence, key }) => sequence <= view.above && key !== view.hidden) }]
    }
  }

  /** Tells one lie. Waits where a batch is on its way to the disk. */
  act(devices: readonly string[]): void {
    if (this.#relay.isDirty) return
    const isRelay = this.#liars === 'relay' || (this.#liars === 'both' && this.#chance.is(0.5))
    if (isRelay) this.#lie(devices)
    else this.#forge()
  }

  #lie(devices: readonly string[]): void {
    const chance = this.#chance
    const feed = chance.pick(allFeeds)
    const place = `${chance.pick(devices)} ${feed}`
    const held = feedOf(this.#relay.state, feed)
    const key = chance.pick([...[...held.keys.keys()].filter((each) => each !== policyKey), ...this.#keys])
    const lies: readonly (() => void)[] = [
      () => this.#views.set(place, { above: held.head, hidden: undefined }),
      () => this.#views.set(place, { above: Number.POSITIVE_INFINITY, hidden: key }),
      () => this.#views.clear(),
      () => this.#losses.add(place),
      () => this.#change(feed, (keys) => keys.delete(key)),
      () => this.#rollBack(feed, key),
      () => this.#rollBackFeed(feed),
      () => this.#repeat(feed),
      () => this.#reorder(feed),
      () => this.#garble(feed),
    ]
    chance.pick(lies)()
  }

  #change(feed: FeedName, change: (keys: Map<Key, Kept>) => unknown): void {
    const { state } = this.#relay
    const { head, keys } = feedOf(state, feed)
    const changed = new Map(keys)
    change(changed)
    this.#relay.tamper({ ...state, feeds: new Map(state.feeds).set(feed, { head, keys: changed }) })
  }

  #older(feed: FeedName): RelayState['feeds'] extends ReadonlyMap<FeedName, infer Held> ? Held | undefined : never {
    return this.#past.length > 0 ? this.#chance.pick(this.#past).feeds.get(feed) : undefined
  }

  #rollBack(feed: FeedName, key: Key): void {
    const older = this.#older(feed)?.keys.get(key)
    if (older) this.#change(feed, (keys) => keys.set(key, older))
  }

  #rollBackFeed(feed: FeedName): void {
    const older = this.#older(feed)
    const { state } = this.#relay
    if (older) this.#relay.tamper({ ...state, feeds: new Map(state.feeds).set(feed, older) })
  }

  /** Shows an old entry anew: a doc, an erasure, a message. */
  #repeat(feed: FeedName): void {
    if (this.#past.length === 0) return
    const old = entriesAfter(this.#chance.pick(this.#past), feed, 0).filter(({ key }) => key !== policyKey && key !== headKey)
    if (old.length > 0) this.#relay.plant(feed, this.#chance.pick(old), true)
  }

  /** Lets two keys change their places in the order. */
  #reorder(feed: FeedName): void {
    const single = [...feedOf(this.#relay.state, feed).keys].filter(([, kept]) => kept.kind !== 'doc' || kept.tail.length === 0)
    if (single.length < 2) return
    const [[key, kept], [other, otherKept]] = [this.#chance.pick(single), this.#chance.pick(single)]
    if (key === other) return
    this.#change(feed, (keys) => keys.set(key, at(kept, otherKept.sequence)).set(other, at(otherKept, kept.sequence)))
  }

  /** Entries that the relay makes without any key. Those of far epochs are only told: an honest relay could never have taken them. */
  #garble(feed: FeedName): void {
    const chance = this.#chance
    const key = chance.pick(this.#keys)
    const kept = feedOf(this.#relay.state, feed).keys.get(key)
    const bytes = kept?.kind === 'doc' && chance.is(0.3) ? written(kept) : undefined
    if (kept && bytes) {
      return this.#relay.plant(feed, { key, kind: 'doc', epoch: kept.epoch, whole: false, bytes }, true)
    }
    const [epoch, isFar] = this.#epoch(feed, key)
    const garbage = [createDoc(new Map(), 1), createDoc(new Map([['0', new Uint8Array(80)]]), 2 ** 52), chance.bytes(30)]
    const entry = { key, epoch, whole: true, bytes: chance.pick(garbage) }
    this.#relay.plant(feed, { ...entry, kind: feed.endsWith('/messages') ? 'message' : chance.is(0.3) ? 'erased' : 'doc' }, !isFar)
  }

  /** Entries under the keys that the partner has. Without the relay it writes only into its own feeds. */
  #forge(): void {
    const chance = this.#chance
    const side = this.#liars === 'both' && chance.is(0.7) ? 'vendor' : 'partner'
    const key = chance.pick(this.#keys)
    const stamp = chance.pick([highStamp, [1_700_000_000_000, 0, 5], [2 ** 46 - 1, 2 ** 24 - 1, 7]] as const)
    if (chance.is(0.3)) return this.#relay.plant(messages(side), this.#attacker.message(messages(side), key, [stamp, 'forged']), true)
    if (side === 'vendor' && chance.is(0.2)) {
      const text = JSON.stringify({ version: chance.pick([1, 9_000_000]), slots: {}, ended: true })
      return this.#relay.plant(messages(side), this.#attacker.controlEntry(messages(side), policyKey, text), false)
    }
    const feed = docs(side)
    const [epoch, isFar] = this.#epoch(feed, key)
    if (isFar && this.#liars === 'peer') return
    const slots = policiesOf(this.#relay.state, feed).joined?.slots['lead'] ?? []
    const registers = Object.fromEntries(slots.map((slot) => [slot, [stamp, 'forged'] as const]))
    const entry = chance.is(0.3)
      ? this.#attacker.erasure(feed, key, epoch)
      : this.#attacker.doc(feed, key, epoch, registers, chance.is(0.2) ? undefined : [stamp, true])
    this.#relay.plant(feed, entry, !isFar)
  }

  /** The next epoch of a key, or one that is far off. */
  #epoch(feed: FeedName, key: Key): readonly [epoch: Epoch, isFar: boolean] {
    if (feed.endsWith('/messages')) return [zeroEpoch, false]
    if (this.#chance.is(0.2))
      return [
        this.#chance.pick([
          { version: 9_000_000, number: 0 },
          { version: 1, number: 2 ** 31 - 1 },
        ]),
        true,
      ]
    const last = feedOf(this.#relay.state, feed).keys.get(key)?.epoch
    const version = feed.includes('/team/') ? 0 : (policiesOf(this.#relay.state, feed).joined?.version ?? 1)
    return [last?.version === version ? { version, number: last.number + 1 } : { version, number: 0 }, false]
  }
}

/** An update of a doc, without any key; undefined where the relay itself has left nothing that Yjs reads. */
function written(kept: Extract<Kept, { kind: 'doc' }>): Uint8Array | undefined {
  try {
    return writeSlots(loadDoc([wholeOf(kept)], Number.MAX_SAFE_INTEGER), new Map([['0', new Uint8Array(80)]]))
  } catch {
    return undefined
  }
}

function at(kept: Kept, sequence: number): Kept {
  return kept.kind === 'doc' ? { ...kept, sequence, mergedSequence: sequence } : { ...kept, sequence }
}
