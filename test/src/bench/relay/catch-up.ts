import { inTurn, median } from '../measure.js'
import { against } from './figure.js'
import { FilledFeed } from './filled-feed.js'
import { RelayLine } from './relay-line.js'
import type { Measurement, Options } from './report.js'

const changed = 100
/** One that was there before, and all that changed. */
const read = changed + 1
const repeats = 21

/** What a changed doc costs to catch up with, by how many docs the feed holds beside it: three feeds at one relay, asked in turn. */
export async function benchCatchUp({ rounds, quick, startRelay }: Options): Promise<Omit<Measurement, 'name'>> {
  const [small, middle, large] = quick ? [200, 2_000, 20_000] : [1_000, 10_000, 100_000]
  const relay = await startRelay()
  try {
    const contestants = {
      small: await changedFeed(relay.url, small),
      middle: await changedFeed(relay.url, middle),
      large: await changedFeed(relay.url, large),
    }
    await inTurn(repeats, contestants)
    const times = await inTurn(rounds * repeats, contestants)
    const micros = (name: keyof typeof times): number => (median(times[name]) * 1000) / read
    const name = (docs: number): string => `catch up per changed doc, ${docs} docs in the feed`
    const beside = `${small} docs`
    return {
      figures: [
        against({ name: name(middle), unit: 'µs', ours: micros('middle') }, beside, micros('small'), { atMost: 1.5 }),
        against({ name: name(large), unit: 'µs', ours: micros('large') }, beside, micros('small'), { atMost: 1.5 }),
      ],
      details: { micros: { [small]: micros('small'), [middle]: micros('middle'), [large]: micros('large') } },
    }
  } finally {
    await relay.stop()
  }
}

/** A feed of which `changed` docs, spread evenly, changed after the position that is asked from. @returns asks; gives the ms until live */
async function changedFeed(url: string, docs: number): Promise<() => Promise<number>> {
  const filled = await FilledFeed.fill(url, docs)
  const before = await filled.position()
  // Before the last entry that was there: no answer to anyone began at it, so nothing is at hand and all is read from the store.
  const earlier = { ...before, after: before.after - 1 }
  await filled.change(docs, docs / changed)
  filled.close()
  const line = await RelayLine.open(filled.feed, filled.feed.connection.paul)
  return async () => {
    const entries = line.entries
    const start = performance.now()
    await line.follow(earlier)
    const ms = performance.now() - start
    if (line.entries - entries !== read) throw new Error(`The relay told ${line.entries - entries} entries.`)
    return ms
  }
}
