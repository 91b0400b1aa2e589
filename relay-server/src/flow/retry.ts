/** The pauses between tries, in ms. Together they last longer than a database can be away without losing its connections. */
const pauses: readonly number[] = [1_000, 2_000, 4_000, 8_000, 16_000]

/**
 * Runs work again until it succeeds, or until the pauses are used up. The work must bear being done twice.
 *
 * @param failed is called with each failure
 */
export function retry(work: () => Promise<void>, failed: (error: unknown) => void, times = 0): void {
  work().catch((error: unknown) => {
    failed(error)
    const pause = pauses[times]
    if (pause !== undefined) setTimeout(() => retry(work, failed, times + 1), pause).unref()
  })
}
