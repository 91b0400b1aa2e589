/** The middle of some figures. */
export function median(figures: readonly number[]): number {
  const sorted = figures.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

/** Runs two things in turn, A B A B …, so that a machine that slows down slows both; gives the median of each and of the ratios pair by pair. */
export async function compare(
  rounds: number,
  ours: (round: number) => Promise<number>,
  theirs: (round: number) => Promise<number>,
): Promise<{ readonly ours: number; readonly theirs: number; readonly ratio: number }> {
  const pairs: (readonly [number, number])[] = []
  for (let round = -1; round < rounds; round++) {
    const pair = [await ours(round), await theirs(round)] as const
    if (round >= 0) pairs.push(pair)
  }
  return { ours: median(pairs.map(([a]) => a)), theirs: median(pairs.map(([, b]) => b)), ratio: median(pairs.map(([a, b]) => a / b)) }
}

/** Milliseconds that something takes. */
export async function timed(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await run()
  return performance.now() - start
}
