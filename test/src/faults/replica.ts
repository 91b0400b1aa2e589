import { type Entry, type EntryKind, loadDoc, readSlots, type RelayMessage } from '@entente/protocol'
import type { LoadClient } from './load-client.js'
import type { FollowedFeed } from './feeds.js'

/** How long a relay may take to bring a reader up to date, in ms. */
const catchUpMs = 15_000

interface Held {
  readonly sequence: number
  readonly kind: EntryKind
  /** What makes up the value: a doc's states in order, or the one message. */
  readonly states: readonly Uint8Array[]
}

/** What a reader knows of some feeds, kept over its sessions: the cursor that it comes back with, and what each key holds. */
export class Replica {
  /** Entries that came at or below the cursor: duplicates that a careless reader would have applied. */
  repeated = 0
  /** Cursors that the relay did not know any more. */
  lost = 0
  /** Entries taken in so far. */
  taken = 0
  readonly #feeds: readonly FollowedFeed[]
  readonly #cursors = new Map<number, number>()
  /** The incarnation and position under which each cursor was reached. */
  readonly #reached = new Map<number, { readonly incarnation: number; readonly position: number }>()
  readonly #held = new Map<string, Held>()
  readonly #live = new Set<number>()
  #heard: () => void = () => {}

  constructor(feeds: readonly FollowedFeed[]) {
    this.#feeds = feeds
  }

  /** Subscribes where the last session ended. */
  resume(client: LoadClient): void {
    this.#live.clear()
    client.send(
      ...this.#feeds.map(({ number, name }) => {
        const { incarnation, position } = this.#reached.get(number) ?? { incarnation: 0, position: 0 }
        return { type: 'subscribe' as const, feed: number, name, after: this.head(number), incarnation, position }
      }),
    )
  }

  hear(message: RelayMessage, client: LoadClient | undefined): void {
    if (message.type === 'refused' && message.what === 'feed') this.lost++
    if (message.type === 'entries') {
      for (const entry of message.entries) this.#take(message.feed, entry)
      if (message.live) this.#live.add(message.feed)
      if (client?.welcome) this.#reached.set(message.feed, { incarnation: client.welcome.incarnation, position: message.position })
    }
    this.#heard()
  }

  get isUpToDate(): boolean {
    return this.#live.size === this.#feeds.length
  }

  /** Resolves when every feed is live. @throws Error when that takes too long or a cursor is lost */
  async upToDate(): Promise<void> {
    const deadline = performance.now() + catchUpMs
    while (!this.isUpToDate && this.lost === 0) {
      if (performance.now() > deadline) throw new Error('A reader was not brought up to date in time.')
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 1_000)
        this.#heard = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }

  /** The sequence of the last entry known of a feed. */
  head(feed: number): number {
    return this.#cursors.get(feed) ?? 0
  }

  sequenceOf(feed: number, key: string): number {
    return this.#held.get(`${feed} ${key}`)?.sequence ?? 0
  }

  /** What a key holds, spelled so that two readers can be compared: `doc 0=12 1=11`, `message 4`, `erased`, or nothing. */
  spell(feed: number, key: string): string {
    const held = this.#held.get(`${feed} ${key}`)
    if (!held) return ''
    if (held.kind === 'doc') return spellSlots(readSlots(loadDoc(held.states)))
    return held.kind === 'erased' ? 'erased' : `${held.kind} ${counterOf(held.states[0])}`
  }

  /** Keys about which two readers differ. */
  differences(other: Replica): readonly string[] {
    const ids = new Set([...this.#held.keys(), ...other.#held.keys()])
    return [...ids].filter((id) => {
      const [feed = '', key = ''] = id.split(' ')
      const number = Number(feed)
      return this.sequenceOf(number, key) !== other.sequenceOf(number, key) || this.spell(number, key) !== other.spell(number, key)
    })
  }

  #take(feed: number, entry: Entry): void {
    if (entry.sequence <= this.head(feed)) {
      this.repeated++
      return
    }
    this.taken++
    this.#cursors.set(feed, entry.sequence)
    const id = `${feed} ${entry.key}`
    const before = entry.whole ? [] : (this.#held.get(id)?.states ?? [])
    this.#held.set(id, { sequence: entry.sequence, kind: entry.kind, states: [...before, entry.bytes] })
  }
}

/** The spelling of a doc with these counters in its slots. */
export function spellSlots(slots: ReadonlyMap<string, Uint8Array>): string {
  const words = [...slots].map(([slot, value]) => `${slot}=${counterOf(value)}`)
  return `doc ${words.toSorted().join(' ')}`
}

/** A value of the load begins with its author's counter. */
function counterOf(value: Uint8Array | undefined): number {
  return Number.parseInt(new TextDecoder().decode(value), 10)
}
