import { compactDoc } from '@entente/protocol'
import { type Log, reasonOf } from './log.js'
import type { Metrics } from './metrics.js'
import type { KeyName, Store } from './store/store.js'

/** Docs that wait to be merged; a doc beyond them comes again with its next update. */
const waitingDocs = 10_000

/** What one turn of the loop may take, in ms, and how many docs. A merge takes some 0.1 ms. */
const turnMs = 2
const docsPerTurn = 32

/**
 * Merges docs whose tail has grown, a few per turn of the loop, so that no publish waits for long; what is merged in one turn goes to the disk
 * together. Merging loads the doc and encodes it anew: what was overwritten goes, which merging the updates as such would keep.
 */
export class Compactor {
  readonly #store: Store
  readonly #log: Log
  readonly #metrics: Metrics
  readonly #waiting = new Map<string, KeyName>()
  #running: Promise<void> | undefined
  #stopped = false

  constructor(store: Store, log: Log, metrics: Metrics) {
    this.#store = store
    this.#log = log
    this.#metrics = metrics
  }

  /** How many docs wait to be merged. */
  get waiting(): number {
    return this.#waiting.size
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
    await this.#running
  }

  async #run(): Promise<void> {
    while (this.#waiting.size > 0) {
      await new Promise((resolve) => setImmediate(resolve))
      const end = performance.now() + turnMs
      const merging: Promise<void>[] = []
      for (const [id, name] of this.#waiting) {
        this.#waiting.delete(id)
        merging.push(this.#merge(name))
        if (merging.length >= docsPerTurn || performance.now() > end) break
      }
      await Promise.all(merging)
    }
    this.#running = undefined
  }

  async #merge(name: KeyName): Promise<void> {
    try {
      const doc = await this.#store.doc(name)
      if (!doc || doc.states.length < 2) return
      if (await this.#store.compact(name, doc, compactDoc(doc.states))) this.#metrics.compacted()
    } catch (error) {
      this.#log.warn('compaction-failed', { feed: name.feed, reason: reasonOf(error) })
    }
  }
}
