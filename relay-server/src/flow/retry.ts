/** After these pauses, in ms, what failed is tried once more; then it is given up. Longer than a database may be away without its connection being lost. */
const pauses: readonly number[] = [1_000, 2_000, 4_000, 8_000, 16_000]

/**
 * Does work that must not be left undone because a reading failed, and that may be done twice.
 *
 * @param failed hears of each failure
 */
export function retry(work: () => Promise<void>, failed: (error: unknown) => void, times = 0): void {
  work().catch((error: unknown) => {
    failed(error)
    const pause = pauses[times]
    if (pause !== undefined) setTimeout(() => retry(work, failed, times + 1), pause).unref()
  })
}
