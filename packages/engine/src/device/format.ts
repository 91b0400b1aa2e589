import { type Change, type Store, StoreError, type StoreKey } from '../port/store.js'
import type { Tabs } from '../port/tabs.js'

/** What this version of the library stores, and tells other tabs. It is raised when an older version would misread either. */
const format = 1
/** Where a store says which version wrote it. */
export const versionKey: StoreKey = ['meta', 'version']

interface Envelope {
  readonly version: typeof format
  readonly message: unknown
}

/**
 * The store and the tabs of an org, for pages of this version. A page that was loaded before a newer version may stand beside a page of it. Each transaction looks for that, and each
 * message: from then on this page writes nothing, and is to be reloaded.
 */
export class Format {
  readonly store: Store
  readonly tabs: Tabs
  readonly #below: Store
  readonly #listeners = new Set<() => void>()
  #isOutdated = false

  /** @throws StoreError NEWER where a newer version wrote the store */
  static async open(store: Store, tabs: Tabs): Promise<Format> {
    const opened = new Format(store, tabs)
    await opened.#update([], (_, version) => ({
      writes: version === format ? [] : [{ put: versionKey, value: format }],
      result: undefined,
    }))
    return opened
  }

  private constructor(store: Store, tabs: Tabs) {
    this.#below = store
    this.store = {
      update: (reads, change) => this.#update(reads, change),
      get: (keys) => store.get(keys),
      scan: (prefix, options) => store.scan(prefix, options),
      close: () => store.close(),
    }
    this.tabs = {
      lead: (lead, resign) => tabs.lead(lead, resign),
      tell: (message) => {
        if (!this.#isOutdated) tabs.tell({ version: format, message } satisfies Envelope)
      },
      listen: (hear, missed) =>
        tabs.listen((told) => {
          const version = versionOf(told)
          if (version === format) hear((told as Envelope).message)
          else if (isNewer(version)) this.#outdate()
        }, missed),
    }
  }

  /** Whether a newer version of the library is at work. */
  get isOutdated(): boolean {
    return this.#isOutdated
  }

  /** Calls back once when this page is found to be outdated. */
  watch(listener: () => void): void {
    this.#listeners.add(listener)
  }

  async #update<T>(reads: readonly StoreKey[], change: (values: readonly unknown[], version: unknown) => Change<T>): Promise<T> {
    if (this.#isOutdated) throw newer()
    return this.#below.update([...reads, versionKey], (values) => {
      const version = values.at(-1)
      if (isNewer(version)) {
        this.#outdate()
        throw newer()
      }
      return change(values.slice(0, -1), version)
    })
  }

  #outdate(): void {
    if (this.#isOutdated) return
    this.#isOutdated = true
    for (const listener of this.#listeners) listener()
  }
}

export const newerMessage = 'A newer version of the app is at work in this browser, so this page saves nothing any more. Reload it.'

const newer = (): StoreError => new StoreError('NEWER', newerMessage)

/** Whether a version is one that this library cannot read. */
export const isNewer = (version: unknown): boolean => typeof version === 'number' && version > format

function versionOf(told: unknown): unknown {
  return typeof told === 'object' && told !== null && 'version' in told ? told.version : undefined
}
