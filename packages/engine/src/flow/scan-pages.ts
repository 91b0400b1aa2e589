import type { Store, StoreKey } from '../port/store.js'

/** Entries of one page: many enough to be fast, few enough that a browser can draw between two of them. */
const pageSize = 500

/** So many segments are read at once: each has about a hundred rows or docs. */
export const segmentsAtOnce = 4

export type Page = Awaited<ReturnType<Store['scan']>>

/** Reads all that is stored under a prefix, in key order, a page at a time. The next page is on its way while one is taken over. */
export async function scanPages(store: Pick<Store, 'scan'>, prefix: StoreKey, take: (page: Page) => void, limit = pageSize): Promise<void> {
  let next: Promise<Page> | undefined = store.scan(prefix, { limit })
  while (next) {
    const page: Page = await next
    const after = page.at(-1)?.[0]
    next = after && page.length === limit ? store.scan(prefix, { limit, after }) : undefined
    take(page)
  }
}
