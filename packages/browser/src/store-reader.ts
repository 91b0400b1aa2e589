import type { StoreKey } from '@entente/engine'
import type { ScanOptions } from './idb-entries.js'
import { type Entries, type Packed, unpack } from './packed.js'

/** A scan of the store of this name. */
export interface Scan {
  readonly id: number
  readonly store: string
  readonly prefix: StoreKey
  readonly options: ScanOptions
}

/** What a page asks of the worker: to read, to free what the page has read, or to let go of a store. */
export type Question = Scan | { readonly read: ArrayBuffer } | { readonly close: string }

/** What the worker says: that it is at work, or what it read. Without it the page reads itself, and meets what failed. */
export type Answer = { readonly ready: true } | { readonly id: number; readonly packed: Packed | undefined }

/**
 * Reads stores in a worker, so that the browser makes and frees there what a page would have to wait for. A worker that does not start, or cannot read something, costs nothing
 * but that: the page reads that itself.
 */
export class StoreReader {
  readonly #worker: Worker
  readonly #waiting = new Map<number, (packed: Packed | undefined) => void>()
  #isReady = false
  #asked = 0

  /** @param worker runs `@entente/browser/store-worker` */
  constructor(worker: Worker) {
    this.#worker = worker
    worker.addEventListener('message', ({ data }: MessageEvent<Answer>) => {
      if ('ready' in data) this.#isReady = true
      else this.#answer(data.id, data.packed)
    })
    worker.addEventListener('error', () => {
      this.#isReady = false
      for (const id of this.#waiting.keys()) this.#answer(id, undefined)
    })
  }

  /** As the store's own `scan`. Undefined where the page has to read by itself. */
  async scan(store: string, prefix: StoreKey, options: ScanOptions): Promise<Entries | undefined> {
    if (!this.#isReady) return undefined
    const id = ++this.#asked
    const packed = await new Promise<Packed | undefined>((resolve) => {
      this.#waiting.set(id, resolve)
      this.#worker.postMessage({ id, store, prefix, options } satisfies Question)
    })
    if (!packed) return undefined
    const entries = unpack(packed)
    // The page would free all of them in one task.
    this.#worker.postMessage({ read: packed.buffer } satisfies Question, [packed.buffer])
    return entries
  }

  /** Lets go of a store. */
  close(store: string): void {
    this.#worker.postMessage({ close: store } satisfies Question)
  }

  #answer(id: number, packed: Packed | undefined): void {
    this.#waiting.get(id)?.(packed)
    this.#waiting.delete(id)
  }
}
