import type { FeedName } from '@entente/protocol'
import type { Watcher } from '../store.js'

export const channel = 'entente'

/** PostgreSQL refuses notifications of 8,000 bytes and more. */
const mostBytes = 7_900

/** Gathers the hints of one relay for the others, with only the last head of each feed. */
export class Hints {
  readonly #sender: string
  #heads = new Map<FeedName, number>()
  #mailboxes = new Set<string>()
  #accounts = false

  /** @param sender a name of this relay, by which it recognises its own hints */
  constructor(sender: string) {
    this.#sender = sender
  }

  get isEmpty(): boolean {
    return this.#heads.size === 0 && this.#mailboxes.size === 0 && !this.#accounts
  }

  feed(name: FeedName, head: number): void {
    this.#heads.set(name, Math.max(head, this.#heads.get(name) ?? 0))
  }

  mailbox(name: string): void {
    this.#mailboxes.add(name)
  }

  accounts(): void {
    this.#accounts = true
  }

  /** Takes the gathered hints as payloads of notifications. Names are plain ASCII, so a character is a byte. */
  take(): readonly string[] {
    const lines = [...this.#heads].map(([name, head]) => `f ${name} ${head}`)
    lines.push(...[...this.#mailboxes].map((name) => `m ${name}`), ...(this.#accounts ? ['a'] : []))
    this.#heads = new Map()
    this.#mailboxes = new Set()
    this.#accounts = false
    const payloads: string[] = []
    let payload = this.#sender
    for (const line of lines) {
      if (payload.length + 1 + line.length > mostBytes) {
        payloads.push(payload)
        payload = this.#sender
      }
      payload += `\n${line}`
    }
    if (payload !== this.#sender) payloads.push(payload)
    return payloads
  }

  /** Passes a payload on, unless this relay sent it. */
  pass(payload: string, watcher: Watcher): void {
    const [sender, ...lines] = payload.split('\n')
    if (sender === this.#sender) return
    for (const line of lines) {
      const [what, name = '', head] = line.split(' ')
      // Written by a relay on the same database: naming the type is the boundary.
      if (what === 'f') watcher.feedGrew(name as FeedName, Number(head))
      else if (what === 'm') watcher.mailboxChanged(name)
      else if (what === 'a') watcher.accountsChanged()
    }
  }
}
