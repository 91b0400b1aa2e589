import { limits } from '@entente/protocol'
import { chunkBytes, encodeEntries, entriesPrefix, type Readers, type Subscription } from './fan-out.js'
import type { Store } from './store/store.js'

/** What is read from the store in one step: what fits one frame beside other feeds' answers. */
const pageBounds = { bytes: chunkBytes, entries: limits.entriesPerFrame }

/**
 * Answers a subscription from its cursor on, page by page as fast as the reader takes them, until nothing is left, and sets it live (rules CU1 to
 * CU3). Nothing is missed between the last page and going live: entries committed after the page was read have not been sent to
 * anyone yet, and entries that have been sent already (`readers.sent`) are in the page or call for another one.
 *
 * @returns 'LOST' where the cursor is beyond the feed's head
 */
export async function catchUp(subscription: Subscription, store: Store, readers: Readers): Promise<'LIVE' | 'LOST' | 'ENDED'> {
  const { name } = subscription.access
  for (;;) {
    const page = await store.page(name, subscription.cursor, pageBounds)
    if (subscription.ended) return 'ENDED'
    if (subscription.cursor > page.head) return 'LOST'
    const isLive = page.done && readers.sent(name) <= page.head
    for (const chunk of encodeEntries(page.entries, page.position, isLive, false)) {
      subscription.reader.sayEncoded([entriesPrefix(subscription.number), chunk])
    }
    subscription.cursor = page.done ? page.head : (page.entries.at(-1)?.sequence ?? subscription.cursor)
    if (isLive) {
      subscription.live = true
      return 'LIVE'
    }
    await subscription.reader.drained()
  }
}
