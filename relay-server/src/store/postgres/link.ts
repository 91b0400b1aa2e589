import { setTimeout as sleep } from 'node:timers/promises'
import { type Known, PostgresSession } from './session.js'

export interface LinkSettings {
  readonly url: string
  /** Beside the line, for reads and commits. */
  readonly connections: number
}

/** The store's reactions to changes of the link. */
export interface LinkEvents {
  receive(payload: string): void
  /** A new session has begun after one was lost: hints may have been missed. */
  regained(): void
  storeReplaced(): void
}

/** How long a call waits for an unreachable database before it fails, in ms. */
const callPatience = 3_000
const [leastPause, mostPause] = [20, 1_000]

/** Keeps one session with the database, starts another when it is lost, and holds the present incarnation. */
export class PostgresLink {
  readonly #settings: LinkSettings
  readonly #events: LinkEvents
  #known: Known
  #session: PostgresSession | undefined
  #looking: Promise<void> | undefined
  #isClosed = false
  readonly #waiting = new Set<() => void>()

  private constructor(settings: LinkSettings, events: LinkEvents, known: Known) {
    this.#settings = settings
    this.#events = events
    this.#known = known
  }

  /** @throws Error as a session does, when the first one cannot be opened */
  static async open(settings: LinkSettings, events: LinkEvents): Promise<PostgresLink> {
    const link = new PostgresLink(settings, events, { incarnation: 0, copy: '' })
    const session = await link.#connect(undefined)
    link.#known = session.known
    if (session.isOver) void link.#regain()
    else link.#session = session
    return link
  }

  get incarnation(): number {
    return this.#known.incarnation
  }

  get known(): Known {
    return this.#known
  }

  /** The present session, if any. */
  get session(): PostgresSession | undefined {
    return this.#session
  }

  /** @throws Error when there is no session for a few seconds */
  async present(): Promise<PostgresSession> {
    const end = Date.now() + callPatience
    while (!this.#session) {
      const left = end - Date.now()
      if (this.#isClosed) throw new Error('The store is closed.')
      if (left <= 0) throw new Error('The database cannot be reached.')
      await this.#change(left)
    }
    return this.#session
  }

  /**
   * Reads the present incarnation, after a sign that it may have changed.
   *
   * @param disproved where there is proof that this copy of the data is older than what was seen of it: what was known when it was seen. A new incarnation is due,
   *   unless one has been drawn since
   */
  async look(disproved?: Known): Promise<void> {
    if (disproved) await this.#looking
    this.#looking ??= this.#lookOnce(disproved).finally(() => (this.#looking = undefined))
    await this.#looking
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const session = this.#session
    this.#session = undefined
    this.#wake()
    await session?.close()
  }

  async #lookOnce(disproved: Known | undefined): Promise<void> {
    const session = await this.present()
    this.#take(await session.look(disproved))
  }

  #take(known: Known): void {
    const isAnother = known.incarnation !== this.#known.incarnation
    this.#known = known
    if (isAnother) this.#events.storeReplaced()
  }

  #connect(before: Known | undefined): Promise<PostgresSession> {
    const { url, connections } = this.#settings
    return PostgresSession.open(
      url,
      connections,
      before,
      (payload) => this.#events.receive(payload),
      () => this.#lost(),
    )
  }

  #lost(): void {
    if (this.#isClosed || !this.#session) return
    this.#session = undefined
    void this.#regain()
  }

  async #regain(): Promise<void> {
    for (let pause = leastPause; !this.#isClosed; pause = Math.min(pause * 2, mostPause)) {
      try {
        const session = await this.#connect(this.#known)
        if (this.#isClosed) return await session.close()
        if (session.isOver) throw new Error('The connection was lost again.')
        this.#session = session
        this.#take(session.known)
        this.#wake()
        this.#events.regained()
        return
      } catch {
        // Callers that wait for a session get an error after a while; the link goes on trying.
        await sleep(pause * (0.5 + Math.random() / 2))
      }
    }
  }

  #change(most: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        this.#waiting.delete(done)
        resolve()
      }
      const timer = setTimeout(done, most)
      this.#waiting.add(done)
    })
  }

  #wake(): void {
    for (const done of this.#waiting) done()
  }
}
