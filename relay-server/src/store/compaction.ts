import { compactDoc } from '@entente/protocol'
import { type Log, reasonOf } from '../log.js'
import type { KeyName, Store } from './store.js'

/** Counts what the compactor does. */
export interface CompactionMeter {
  /** One doc was merged, and its store has taken it. */
  compacted(): void
}

/** Docs that wait to be merged; a doc beyond them comes again with its next update. */
const waitingDocs = 10_000

/** Docs that are merged at once. A merge takes the loop for some 0.2 ms. */
const docsAtOnce = 8
/** Of the time, merging takes one part in as many: what is published meanwhile comes first, and longer tails cost less per update to merge. */
const share = 20

/**
 * Merges docs whose tail has grown, a few at a time and a tenth of the time, so that no publish waits for long; what is merged in one turn goes to
 * the disk together. Merging loads the doc and encodes it anew: what was overwritten goes, which merging the updates as such would keep.
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
  /** Of the present round, those whose turn has not come. */
  #left = 0

  constructor(store: Store, log: Log, meter: CompactionMeter) {
    this.#store = store
    this.#log = log
    this.#meter = meter
  }

  /** How many docs wait to be merged, those of the present round among them. */
  get waiting(): number {
    return this.#waiting.size + this.#left
  }

  add(name: KeyName): void {
    if (this.#stopped || this.#waiting.size >= waitingDocs) return
    this.#waiting.set(`${name.feed}\n${name.key}`, { feed: name.feed, key: name.key })
    this.#running ??= this.#run()
  }

  /** Lets the merge under way finish and begins no other. */
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
