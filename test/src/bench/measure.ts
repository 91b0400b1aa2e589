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

/** Runs contestants in turn, A B C A B C …; gives what each gave, round by round. */
export async function inTurn<Name extends string, Result>(
  rounds: number,
  contestants: Readonly<Record<Name, () => Promise<Result>>>,
): Promise<Record<Name, Result[]>> {
  const names = Object.keys(contestants) as Name[]
  const results = Object.fromEntries(names.map((name): [Name, Result[]] => [name, []])) as Record<Name, Result[]>
  for (let round = 0; round < rounds; round++) {
    for (const name of names) results[name].push(await contestants[name]())
  }
  return results
}

/** Milliseconds that something takes. */
export async function timed(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await run()
  return performance.now() - start
}
