import { type ErrorCode, ProtocolError } from '@entente/protocol'
import type { Clock } from '../port/clock.js'
import type { Tabs } from '../port/tabs.js'

/** What a tab asks of the one that leads, and is told. `leads`: another tab leads from now on. */
type TabMessage =
  | { readonly type: 'ask'; readonly id: string; readonly what: string; readonly about: unknown }
  | { readonly type: 'answer'; readonly id: string; readonly answer: Answer }
  | { readonly type: 'leads' }

type Answer = { readonly value: unknown } | { readonly code: ErrorCode; readonly why: string }

interface Open {
  readonly what: string
  readonly about: unknown
  take(answer: Answer): void
}

/**
 * What only the tab that leads can do, for every tab: it is asked, and answers. A question stays open while the lead changes hands, and is asked again of whoever leads
 * then.
 */
export class LeaderAsks {
  readonly #tabs: Tabs
  readonly #clock: Clock
  readonly #session: number
  readonly #doers = new Map<string, (about: never) => Promise<unknown>>()
  readonly #open = new Map<string, Open>()
  /** What this tab is doing as the leader. */
  readonly #doing = new Set<string>()
  #leads = false
  #last = 0

  /** @param session a number that no other tab has */
  constructor(tabs: Tabs, clock: Clock, session: number) {
    this.#tabs = tabs
    this.#clock = clock
    this.#session = session
  }

  /** Says how this tab answers while it leads. What is thrown reaches whoever asks as a ProtocolError. */
  answer<About>(what: string, run: (about: About) => Promise<unknown>): void {
    this.#doers.set(what, run)
  }

  /** Asks the tab that leads, which may be this one. @throws ProtocolError as that tab says, and UNAVAILABLE without an answer after `ms` milliseconds */
  ask(what: string, about: unknown, ms: number): Promise<unknown> {
    const id = `${this.#session} ${++this.#last}`
    return new Promise((resolve, reject) => {
      const take = (answer: Answer): void => {
        cancel()
        this.#open.delete(id)
        if ('value' in answer) resolve(answer.value)
        else reject(new ProtocolError(answer.code, answer.why))
      }
      const cancel = this.#clock.after(ms, () =>
        take({ code: 'UNAVAILABLE', why: 'The tab that keeps this org in sync does not answer. Ask again.' }),
      )
      this.#open.set(id, { what, about, take })
      this.#pose(id)
    })
  }

  /** This tab leads from now on. */
  lead(): void {
    this.#leads = true
    this.#tell({ type: 'leads' })
    this.#poseAll()
  }

  standDown(): void {
    this.#leads = false
    this.#doing.clear()
  }

  /** Nobody waits for an answer any more. */
  giveUp(): void {
    for (const { take } of this.#open.values())
      take({ code: 'UNAVAILABLE', why: 'This tab has no line to the relay any more. Ask again when it is online.' })
  }

  hear(message: unknown): void {
    if (!isTabMessage(message)) return
    if (message.type === 'leads') this.#poseAll()
    else if (message.type === 'answer') this.#open.get(message.id)?.take(message.answer)
    else if (this.#leads)
      this.#do(message.id, message.what, message.about, (answer) => this.#tell({ type: 'answer', id: message.id, answer }))
  }

  #poseAll(): void {
    for (const id of this.#open.keys()) this.#pose(id)
  }

  #pose(id: string): void {
    const open = this.#open.get(id)
    if (!open) return
    const { what, about, take } = open
    if (this.#leads) this.#do(id, what, about, take)
    else this.#tell({ type: 'ask', id, what, about })
  }

  #do(id: string, what: string, about: unknown, take: (answer: Answer) => void): void {
    const run = this.#doers.get(what)
    if (!run || this.#doing.has(id)) return
    this.#doing.add(id)
    run(about as never).then(
      (value) => {
        this.#doing.delete(id)
        take({ value })
      },
      (error: unknown) => {
        // Whoever leads now is asked again, and does it.
        if (!this.#doing.delete(id)) return
        const why = error instanceof Error ? error.message : 'This did not succeed.'
        take({ code: error instanceof ProtocolError ? error.code : 'UNAVAILABLE', why })
      },
    )
  }

  #tell(message: TabMessage): void {
    this.#tabs.tell(message)
  }
}

function isTabMessage(message: unknown): message is TabMessage {
  return (
    typeof message === 'object' && message !== null && 'type' in message && ['ask', 'answer', 'leads'].some((type) => type === message.type)
  )
}
