import { compactDoc } from '@entente/protocol'
import { type Log, reasonOf } from './log.js'
import type { Metrics } from './metrics.js'
import type { KeyName, Store } from './store/store.js'

/** Docs that wait to be merged; a doc beyond them comes again with its next update. */
const waitingDocs = 10_000

/**
 * Merges docs whose tail has grown, one per turn of the loop, so that no publish waits for more than one merge. Merging loads the doc and
 * encodes it anew: what was overwritten goes, which merging the updates as such would keep.
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
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve))
      const [next] = this.#waiting
      if (!next) break
      this.#waiting.delete(next[0])
      try {
        if (await compactOne(next[1], this.#store)) this.#metrics.compacted()
      } catch (error) {
        this.#log.warn('compaction-failed', { feed: next[1].feed, reason: reasonOf(error) })
      }
    }
    this.#running = undefined
  }
}

async function compactOne(name: KeyName, store: Store): Promise<boolean> {
  const doc = await store.doc(name)
  return doc !== undefined && doc.states.length > 1 && store.compact(name, doc, compactDoc(doc.states))
}
