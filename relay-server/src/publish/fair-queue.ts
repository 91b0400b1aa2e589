import type { OrgId } from '@entente/protocol'

/** A queued item, and the org that it belongs to. */
export interface Queueable {
  readonly publisher: { readonly org: OrgId }
}

/** Items that each org gets of a round at least, however many others wait. */
const leastShare = 4

/**
 * A queue for each org, served in turn. Items of one org keep their order, and each org gets a fair share, so that no org waits behind everything that
 * another has sent.
 */
export class FairQueue<W extends Queueable> {
  readonly #queues = new Map<OrgId, Queue<W>>()
  #size = 0

  get size(): number {
    return this.#size
  }

  /** Those that have something waiting. */
  get orgs(): number {
    return this.#queues.size
  }

  add(org: OrgId, some: readonly W[]): void {
    const queue = this.#queues.get(org)
    if (queue) for (const one of some) queue.items.push(one)
    else if (some.length > 0) this.#queues.set(org, { items: [...some], at: 0 })
    this.#size += some.length
  }

  /** Puts taken items back in front of their queues, in order. */
  putBack(some: readonly W[]): void {
    const byOrg = new Map<OrgId, W[]>()
    for (const one of some) {
      const back = byOrg.get(one.publisher.org)
      if (back) back.push(one)
      else byOrg.set(one.publisher.org, [one])
    }
    for (const [org, back] of byOrg) {
      const queue = this.#queues.get(org)
      if (queue && queue.at >= back.length) {
        // Into the room that taken ones have left: copying a long queue each time would cost more than what was put back.
        queue.at -= back.length
        for (const [index, one] of back.entries()) queue.items[queue.at + index] = one
      } else this.#queues.set(org, { items: queue ? [...back, ...queue.items.slice(queue.at)] : back, at: 0 })
    }
    this.#size += some.length
  }

  /** Takes about `most` items, in turn from each queue, up to the queue's first item that must wait. */
  take(most: number, isToWait: (one: W) => boolean): readonly W[] {
    const taken: W[] = []
    const share = Math.max(leastShare, Math.ceil(most / this.#queues.size))
    for (let left = this.#queues.size; left > 0 && taken.length < most; left--) {
      const [first] = this.#queues
      if (!first) break
      const [org, queue] = first
      const before = taken.length
      for (let one = queue.items[queue.at]; one && taken.length - before < share && !isToWait(one); one = queue.items[queue.at]) {
        taken.push(one)
        queue.at++
      }
      // An org that had its turn goes behind the others.
      this.#queues.delete(org)
      if (queue.at < queue.items.length) this.#queues.set(org, shortened(queue))
    }
    this.#size -= taken.length
    return taken
  }

  takeAll(): readonly W[] {
    const all = [...this.#queues.values()].flatMap(({ items, at }) => items.slice(at))
    this.#queues.clear()
    this.#size = 0
    return all
  }
}

/** Items, those before `at` taken already. */
interface Queue<W> {
  items: W[]
  at: number
}

/** Taken items go once they are the larger part: copying a long queue each time would cost more than what was taken. */
function shortened<W>(queue: Queue<W>): Queue<W> {
  if (queue.at * 2 > queue.items.length) {
    queue.items = queue.items.slice(queue.at)
    queue.at = 0
  }
  return queue
}
