import { nextTurn } from './port/clock.js'
import type { Clock } from './port/clock.js'
import type { ReplicaView } from './replica/index.js'

/** What a reconciler works on, one by one: a connection, or an invitation. */
export interface Subject {
  readonly id: string
}

/**
 * Work that follows from state: it compares rows and inboxes with what they should be, and saves the difference as rows. It is called again after every
 * change, so the next call repairs a crash at any point. Must be idempotent, and return when nothing is left to do.
 */
export interface Reconciler<Of extends Subject = Subject> {
  readonly name: string
  subjects(): Iterable<Of>
  /** Works on one subject. Where it fails, the others go on (rule IS1). */
  react(subject: Of): Promise<void>
}

/** A reconciler that failed is tried again after this, in milliseconds: each time twice as long, up to the most. A change tries it at once. */
const firstRetryMs = 2_000
const mostRetryMs = 5 * 60_000

/** Runs the reconcilers one after the other, again after every change, while this tab leads. */
export class Reconcilers {
  readonly #replica: ReplicaView
  readonly #clock: Clock
  readonly #mayDoAll: () => boolean
  readonly #onFailure: (subject: string, what: string) => void
  /** Why work on a subject failed last, by reconciler and subject. */
  readonly #failures = new Map<Reconciler, Map<string, string>>()
  readonly #reconcilers: Reconciler[] = []
  readonly #always = new Set<Reconciler>()
  #waiters: (() => void)[] = []
  #unwatch: (() => void)[] = []
  #cancelRetry: () => void = () => undefined
  /** How often in a row a retry has failed again. */
  #retries = 0
  #running = false
  #due = false
  #started = false

  /**
   * @param mayDoAll says whether there is more to do now than what is always done
   * @param onFailure hears each failure, and with the text "" that work on a subject fails no more
   */
  constructor(
    replica: ReplicaView,
    clock: Clock,
    mayDoAll: () => boolean = () => true,
    onFailure: (subject: string, what: string) => void = () => undefined,
  ) {
    this.#replica = replica
    this.#clock = clock
    this.#mayDoAll = mayDoAll
    this.#onFailure = onFailure
  }

  /** @param isAlways whether it is done even while not all may be */
  add(reconciler: Reconciler, isAlways = false): void {
    this.#reconcilers.push(reconciler)
    if (isAlways) this.#always.add(reconciler)
    this.poke()
  }

  start(): void {
    if (this.#started) return
    this.#started = true
    this.#unwatch = [this.#replica.rows.watch(() => this.poke()), this.#replica.watchFeeds(() => this.poke())]
    this.poke()
  }

  stop(): void {
    this.#started = false
    for (const end of this.#unwatch) end()
    this.#unwatch = []
    this.#cancelRetry()
    this.#settle()
  }

  /** State has changed, so there may be work. */
  poke(): void {
    this.#due = true
    if (!this.#started || this.#running) return
    this.#running = true
    void this.#run()
  }

  /** Why work on a subject fails at present, in words; undefined while none does. */
  failureOf(subject: string): string | undefined {
    for (const failures of this.#failures.values()) {
      const what = failures.get(subject)
      if (what !== undefined) return what
    }
    return undefined
  }

  /** Whether a reconciler has or may have work left. */
  get isBusy(): boolean {
    return this.#running
  }

  /** Resolves when no reconciler has work left, at once where they are not started. */
  settled(): Promise<void> {
    if (!this.#running) return Promise.resolve()
    return new Promise((resolve) => this.#waiters.push(resolve))
  }

  async #run(): Promise<void> {
    // Gathers the changes of one turn, so that an import of thousands is one run.
    await nextTurn(this.#clock)
    while (this.#due && this.#started) {
      this.#due = false
      let failed = false
      for (const reconciler of this.#reconcilers)
        if (this.#always.has(reconciler) || this.#mayDoAll()) failed = !(await this.#react(reconciler)) || failed
      if (failed) this.#retryLater()
      else this.#retries = 0
    }
    this.#running = false
    this.#settle()
  }

  /** @returns whether all work was done */
  async #react(reconciler: Reconciler): Promise<boolean> {
    let failures = this.#failures.get(reconciler)
    if (!failures) this.#failures.set(reconciler, (failures = new Map()))
    for (const subject of reconciler.subjects()) {
      if (!this.#started) break
      try {
        await reconciler.react(subject)
        if (failures.delete(subject.id)) this.#onFailure(subject.id, '')
      } catch (error) {
        // Another tab leads now, and does this.
        if (!this.#started) break
        const what = `${reconciler.name}: ${error instanceof Error ? error.message : 'failed'}`
        failures.set(subject.id, what)
        this.#onFailure(subject.id, what)
      }
    }
    return failures.size === 0
  }

  #retryLater(): void {
    this.#cancelRetry()
    this.#cancelRetry = this.#clock.after(Math.min(firstRetryMs * 2 ** this.#retries, mostRetryMs), () => {
      this.#retries++
      this.poke()
    })
  }

  #settle(): void {
    const waiters = this.#waiters
    this.#waiters = []
    for (const resolve of waiters) resolve()
  }
}
