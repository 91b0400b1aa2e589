import type { Store, StoreKey } from '../port/store.js'

/** What the store says of the lead. */
interface Term {
  readonly term: number
  /** True once the tab that led has stopped by itself. */
  readonly over: boolean
}

/** Another tab has taken the lead of this org. What was to be written as the leader is not. */
export class LostLead extends Error {
  override readonly name = 'LostLead'

  constructor() {
    super('Another tab keeps this org in sync now.')
  }
}

/**
 * The lead of an org, as its store has it. Whoever takes it begins a term, and each transaction in which the leader writes looks whether the term is still its own. So two
 * tabs that do not hear each other never both act as the leader, and one that was frozen and wakes up does nothing more.
 */
export class Lead {
  /** What a transaction of the leader reads for `check`. */
  static readonly key: StoreKey = ['lead', 'term']
  readonly #store: Store
  readonly #lost: () => void
  /** Undefined before this tab first led, and `over` after it led. */
  #term: number | 'over' | undefined

  /** @param lost is called when the store says that another tab leads */
  constructor(store: Store, lost: () => void) {
    this.#store = store
    this.#lost = lost
  }

  /** Begins a term. */
  async take(): Promise<void> {
    this.#term = await this.#store.update([Lead.key], ([stored]) => {
      const term = (asTerm(stored)?.term ?? 0) + 1
      return { writes: [{ put: Lead.key, value: { term, over: false } satisfies Term }], result: term }
    })
  }

  /** @param stored the value of `Lead.key` @throws LostLead where another tab leads */
  check(stored: unknown): void {
    if (this.#term === undefined || asTerm(stored)?.term === this.#term) return
    const isNews = this.#term !== 'over'
    this.#term = 'over'
    if (isNews) this.#lost()
    throw new LostLead()
  }

  /** The same, where nothing is written. */
  async look(): Promise<void> {
    this.check((await this.#store.get([Lead.key]))[0])
  }

  /** This tab leads no more, as the tabs agreed. */
  stop(): void {
    if (this.#term !== undefined) this.#term = 'over'
  }

  /** The same, and says so in the store. */
  async end(): Promise<void> {
    const own = this.#term
    this.stop()
    if (typeof own !== 'number') return
    await this.#store.update([Lead.key], ([stored]) => ({
      writes: asTerm(stored)?.term === own ? [{ put: Lead.key, value: { term: own, over: true } satisfies Term }] : [],
      result: undefined,
    }))
  }

  /** Whether the tab that led last has stopped by itself. */
  async isFree(): Promise<boolean> {
    return asTerm((await this.#store.get([Lead.key]))[0])?.over ?? true
  }
}

// This library wrote it, so its shape is known.
const asTerm = (value: unknown): Term | undefined => value as Term | undefined
