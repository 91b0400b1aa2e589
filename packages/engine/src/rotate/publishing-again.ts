import type { FeedName } from '@entente/protocol'
import type { EngineContext } from '../context.js'
import type { ReplicaView } from '../replica/index.js'

/** So many keys are due at a time, so that an edit of a person never waits behind all of them. */
const atOnce = 100
/** How often it is looked whether there is room for more, in ms. */
const lookMs = 200
/** What came late and no head covers is left out after this, in ms (rule RT11). */
const lateMs = 10 * 60_000
/** How often that is looked at, in ms. */
const lateLookMs = 30_000
/** What one key takes before any was measured, in ms. */
const guessedMs = 3

/** How far an org has published again what it published under earlier keys. */
export interface PublishingAgain {
  readonly done: number
  readonly total: number
  /** How long the rest takes, in milliseconds, as far as it can be told. 0 where nothing is left. */
  readonly remainingMs: number
}

type Left = ReturnType<ReplicaView['outdated']>['left']

/**
 * After a rotation, publishes again under the present keys what the relay has of this org under earlier ones (rule RT12): some keys at a time, behind what people edit. What
 * is left is read off the relay's copy, so a page that is closed on the way goes on where it stood.
 */
export class PublisherAgain {
  readonly #context: EngineContext
  readonly #tell: () => void
  readonly #ends: readonly (() => void)[]
  /** Since when something late is held in an own feed. */
  readonly #late = new Map<FeedName, number>()
  #cancel: () => void = () => undefined
  #cancelLate: () => void = () => undefined
  /** Whether there may be something to do, and whether a look at it is under way. */
  #isDue = true
  #isLooking = false
  /** What was found and is not yet due. */
  #left: Left = []
  #began: { readonly at: number; readonly left: number } | undefined
  #state: PublishingAgain = { done: 0, total: 0, remainingMs: 0 }

  /** @param tell called when the state has changed */
  constructor(context: EngineContext, tell: () => void) {
    this.#context = context
    this.#tell = tell
    const begin = (): void => {
      this.#isDue = true
      this.#left = []
      this.#began = undefined
      this.#look()
    }
    this.#ends = [context.replica.keyring.watch(begin), context.link.watch(() => this.#look())]
    this.#lookForLate()
  }

  state(): PublishingAgain {
    return this.#state
  }

  stop(): void {
    for (const end of this.#ends) end()
    this.#cancel()
    this.#cancelLate()
    this.#isDue = false
  }

  #look(): void {
    const { link, clock } = this.#context
    if (!this.#isDue || this.#isLooking || !link.isOnline) return
    this.#isLooking = true
    this.#cancel = clock.after(lookMs, () => {
      this.#isLooking = false
      this.#goOn()
        .catch((error: unknown) => this.#context.problem(error instanceof Error ? error.message : 'Publishing again has failed.'))
        .finally(() => this.#look())
    })
  }

  async #goOn(): Promise<void> {
    const { replica, clock, random } = this.#context
    const waiting = replica.waiting()
    // What a person has edited goes first.
    if (waiting > atOnce / 2) return
    if (this.#left.length === 0) {
      // The last ones are on their way.
      if (this.#began && waiting > 0) return
      const { total, left } = replica.outdated()
      const isStuck = this.#began !== undefined && left.length >= this.#began.left
      this.#isDue = left.length > 0 && !isStuck
      this.#began = this.#isDue ? { at: clock.now(), left: left.length } : undefined
      // Several devices begin at several places, so that they do not all publish the same.
      const from = Math.floor(((random(1)[0] ?? 0) / 256) * left.length)
      this.#left = this.#isDue ? [...left.slice(from), ...left.slice(0, from)] : []
      this.#show(total, left.length)
    }
    const next = this.#left.slice(0, atOnce)
    this.#left = this.#left.slice(atOnce)
    if (next.length > 0) await replica.publishDue(next)
    this.#show(this.#state.total, this.#left.length + next.length)
  }

  #show(total: number, left: number): void {
    const began = this.#began
    const done = began ? began.left - left : 0
    const each = began && done > 0 ? (this.#context.clock.now() - began.at) / done : guessedMs
    const before = this.#state
    this.#state = { done: total - left, total, remainingMs: Math.round(left * each) }
    if (before.done !== this.#state.done || before.total !== total) this.#tell()
  }

  /** Nobody who has the present keys has seen it: it is not the org's. */
  #lookForLate(): void {
    this.#cancelLate = this.#context.clock.after(lateLookMs, () => {
      const { replica, clock, link, problem } = this.#context
      for (const feed of replica.followed().feeds) {
        const isHeld = replica.isOwn(feed) && replica.isLateHeld(feed) && link.isOnline
        const since = isHeld ? (this.#late.get(feed) ?? clock.now()) : undefined
        if (since === undefined) this.#late.delete(feed)
        else this.#late.set(feed, since)
        if (since !== undefined && clock.now() - since >= lateMs)
          replica
            .giveUpLate(feed)
            .catch((error: unknown) => problem(error instanceof Error ? error.message : 'What came late could not be left out.'))
      }
      this.#lookForLate()
    })
  }
}
