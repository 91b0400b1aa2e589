import { compactDoc } from '@entente/protocol'
import { type Log, reasonOf } from '../log.js'
import type { KeyName, Store } from './store.js'

/** Counts the merges of the compactor. */
export interface CompactionMeter {
  /** The store has taken a merged doc. */
  compacted(): void
}

/** Docs that may wait to be merged; a doc beyond them is added again with its next update. */
const waitingDocs = 10_000

/** Docs merged in one turn. A merge takes the event loop for some 0.2 ms. */
const docsAtOnce = 8
/** Merging takes one part in so many of the time. Publishing comes first, and longer tails cost less per update to merge. */
const share = 20

/**
 * Merges docs whose tails have grown, a few at a time, so that no publish waits for long. The docs of one turn go to the disk together. Merging loads the doc
 * and encodes it again, which removes overwritten values; `mergeUpdates` would keep them.
 */
export class Compactor {
  readonly #store: Store
  readonly #log: Log
  readonly #meter: CompactionMeter
  readonly #waiting = new Map<string, KeyName>()
  #running: Promise<void> | undefined
  #stopped = false
  #wake: () => void = () => {}
  #spentMs = 0
  /** The docs of the present round whose turn has not come. */
  #left = 0

  constructor(store: Store, log: Log, meter: CompactionMeter) {
    this.#store = store
    this.#log = log
    this.#meter = meter
  }

  /** The number of docs that wait to be merged, those of the present round included. */
  get waiting(): number {
    return this.#waiting.size + this.#left
  }

  add(name: KeyName): void {
    if (this.#stopped || this.#waiting.size >= waitingDocs) return
    this.#waiting.set(`${name.feed}\n${name.key}`, { feed: name.feed, key: name.key })
    this.#running ??= this.#run()
  }

  /** Lets the merge in flight finish and starts no other. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#waiting.clear()
    this.#wake()
    await this.#running
  }

  async #run(): Promise<void> {
    while (this.#waiting.size > 0) {
      const names = [...this.#waiting.values()]
      this.#waiting.clear()
      for (let at = 0; at < names.length && !this.#stopped; at += docsAtOnce) {
        this.#spentMs = 0
        this.#left = Math.max(0, names.length - at - docsAtOnce)
        await Promise.all(names.slice(at, at + docsAtOnce).map((name) => this.#merge(name)))
        await this.#rest(this.#spentMs * (share - 1))
      }
    }
    this.#running = undefined
  }

  #rest(ms: number): Promise<void> {
    if (this.#stopped) return Promise.resolve()
    return new Promise((resolve) => {
      this.#wake = resolve
      setTimeout(resolve, ms)
    })
  }

  async #merge(name: KeyName): Promise<void> {
    try {
      const doc = await this.#store.doc(name)
      if (!doc || doc.states.length < 2) return
      const start = performance.now()
      const merged = compactDoc(doc.states)
      this.#spentMs += performance.now() - start
      if (await this.#store.compact(name, doc, merged)) this.#meter.compacted()
    } catch (error) {
      this.#log.warn('compaction-failed', { feed: name.feed, reason: reasonOf(error) })
    }
  }
}
