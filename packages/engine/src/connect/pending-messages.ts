import type { FeedName, Key } from '@entente/protocol'
import type { ConnectionFacts } from './connection-facts.js'
import type { EngineContext } from '../context.js'
import type { Condition, RowEdit } from '../row/rows.js'

/** What a message asks to be saved. */
export interface Reaction {
  readonly edits: readonly RowEdit[]
  readonly condition?: Condition
  /** What it rests on that another message of its kind may change: it is not saved together with one that has a name in common. */
  readonly names?: Iterable<string>
}

/** So many edits are saved together: some 20 ms of work, so that a page draws between two of these transactions. */
const mostEdits = 150

/** The peer's messages of one kind that may need work: all of them at first and after a change of a connection, then those that change. */
export class PendingMessages {
  readonly #context: EngineContext
  readonly #prefix: string
  readonly #pendingByFeed = new Map<FeedName, Set<Key>>()
  /** Whether saving several together failed last: each is then saved alone, so that one that cannot be saved holds up none before it. */
  #isOneByOne = false

  constructor(context: EngineContext, prefix: string) {
    this.#context = context
    this.#prefix = prefix
    context.replica.watchFeeds((changed) => {
      for (const { feed, key } of changed) if (key.startsWith(prefix)) this.#pendingByFeed.get(feed)?.add(key)
    })
    context.rows.watch((changes) => {
      if (changes.some(({ object }) => object === 'Connection')) this.#pendingByFeed.clear()
    })
  }

  /**
   * Saves what the pending messages ask for, that of several in one transaction, for a transaction costs a browser more than what is in it. Messages stay pending where
   * that fails, or a condition of one of them does not hold.
   *
   * @param react reads one message, by the rows as they are before the transaction
   * @param subjectOf messages of one subject are never saved together, and keep their order
   */
  async saveAll(
    connection: ConnectionFacts,
    react: (key: Key) => Promise<Reaction | undefined>,
    subjectOf: (key: Key) => string = (key) => key,
  ): Promise<void> {
    const pending = this.#pendingIn(connection.peerMessages)
    for (let left = Array.from(pending); left.length > 0;) {
      const later: Key[] = []
      const batch = new Batch()
      try {
        for (const key of left) {
          if (batch.isFull || !batch.begin(key, subjectOf(key))) {
            later.push(key)
            continue
          }
          pending.delete(key)
          const reaction = await react(key)
          if (reaction && !batch.add(reaction)) {
            later.push(key)
            pending.add(key)
          } else if (reaction && this.#isOneByOne) batch.isFull = true
        }
        const isSaved = batch.edits.length === 0 || (await this.#context.rows.save(batch.edits, batch)) !== undefined
        if (!isSaved) batch.keys.forEach((key) => pending.add(key))
      } catch (error) {
        batch.keys.forEach((key) => pending.add(key))
        this.#isOneByOne = true
        throw error
      }
      left = later
    }
    this.#isOneByOne = false
  }

  #pendingIn(feed: FeedName): Set<Key> {
    let pending = this.#pendingByFeed.get(feed)
    if (!pending) {
      pending = new Set([...this.#context.replica.inbox(feed).keys()].filter((key) => key.startsWith(this.#prefix)))
      this.#pendingByFeed.set(feed, pending)
    }
    return pending
  }
}

/** What is saved in one transaction, and its condition. */
class Batch implements Condition {
  readonly keys: Key[] = []
  readonly edits: RowEdit[] = []
  isFull = false
  readonly #conditions: Condition[] = []
  readonly #subjects = new Set<string>()
  readonly #names = new Set<string>()

  /** @returns false where a message of the same subject is in it */
  begin(key: Key, subject: string): boolean {
    if (this.#subjects.has(subject)) return false
    this.#subjects.add(subject)
    this.keys.push(key)
    return true
  }

  /** @returns false where it rests on what is to be saved, and so has to wait until that is done */
  add({ edits, condition, names = [] }: Reaction): boolean {
    const all = [...names, ...edits.map(({ object, id }) => `${object}\n${id}`)]
    if (all.some((name) => this.#names.has(name))) {
      this.isFull = true
      this.keys.pop()
      return false
    }
    for (const name of all) this.#names.add(name)
    this.edits.push(...edits)
    if (condition) this.#conditions.push(condition)
    this.isFull = this.edits.length >= mostEdits
    return true
  }

  get reads(): NonNullable<Condition['reads']> {
    return this.#conditions.flatMap(({ reads = [] }) => reads)
  }

  holds(stored: Parameters<Condition['holds']>[0]): boolean {
    return this.#conditions.every((condition) => condition.holds(stored))
  }
}
