import { monitorEventLoopDelay } from 'node:perf_hooks'

/** Counts since the start, and how many acknowledgements took at most so many seconds, as Prometheus counts them. */
export interface Counts {
  readonly entriesIn: number
  readonly entriesOut: number
  readonly acknowledged: readonly AcknowledgedWithin[]
}

export interface AcknowledgedWithin {
  /** The bound in seconds, Infinity for the last. */
  readonly seconds: number
  readonly count: number
}

/** The relay's load over the last seconds. */
export interface Load {
  /** The seconds that rates and times cover. */
  readonly overSeconds: number
  readonly entriesInPerSecond: number
  readonly entriesOutPerSecond: number
  /** From an offer's arrival to its acknowledgement; undefined if nothing was acknowledged. */
  readonly acknowledgeMs?: { readonly p50: number; readonly p99: number }
  /** The lateness of the event loop, on average and at worst: everything else waits for it. */
  readonly eventLoopMs: { readonly mean: number; readonly max: number }
  readonly memory: { readonly residentBytes: number; readonly heapBytes: number }
}

const sampleMs = 1_000
const keptSamples = 11
const loopResolutionMs = 10

interface Sample extends Counts {
  readonly at: number
  readonly late: Load['eventLoopMs']
}

/** Samples the counts once a second, so that every request gets the rates of the same last seconds. */
export class LoadMeter {
  readonly #counts: () => Promise<Counts>
  readonly #delay = monitorEventLoopDelay({ resolution: loopResolutionMs })
  readonly #samples: Sample[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(counts: () => Promise<Counts>) {
    this.#counts = counts
  }

  start(): void {
    this.#delay.enable()
    this.#timer = setInterval(() => void this.#take(), sampleMs).unref()
    void this.#take()
  }

  stop(): void {
    this.#delay.disable()
    clearInterval(this.#timer)
  }

  now(): Load {
    const [first] = this.#samples
    const last = this.#samples.at(-1)
    const { rss, heapUsed } = process.memoryUsage()
    const lates = this.#samples.map(({ late }) => late)
    const eventLoopMs = {
      mean: round(lates.reduce((sum, late) => sum + late.mean, 0) / Math.max(1, lates.length)),
      max: round(Math.max(0, ...lates.map((late) => late.max))),
    }
    const same = { eventLoopMs, memory: { residentBytes: rss, heapBytes: heapUsed } }
    if (!first || !last || first === last) return { overSeconds: 0, entriesInPerSecond: 0, entriesOutPerSecond: 0, ...same }
    const seconds = (last.at - first.at) / 1000
    const acknowledgeMs = timesBetween(first.acknowledged, last.acknowledged)
    return {
      overSeconds: round(seconds),
      entriesInPerSecond: round((last.entriesIn - first.entriesIn) / seconds),
      entriesOutPerSecond: round((last.entriesOut - first.entriesOut) / seconds),
      ...(acknowledgeMs ? { acknowledgeMs } : {}),
      ...same,
    }
  }

  async #take(): Promise<void> {
    const at = performance.now()
    const late = { mean: lateness(this.#delay.mean), max: lateness(this.#delay.max) }
    this.#delay.reset()
    const counts = await this.#counts().catch(() => undefined)
    if (!counts) return
    this.#samples.push({ at, late, ...counts })
    if (this.#samples.length > keptSamples) this.#samples.shift()
  }
}

/** Lateness in ms: the monitor measures from one tick of its timer to the next, in nanoseconds; the excess over the timer's interval is lateness. */
function lateness(nanoseconds: number): number {
  return Number.isFinite(nanoseconds) ? Math.max(0, nanoseconds / 1e6 - loopResolutionMs) : 0
}

/** The median and the 99th percentile of the acknowledgements between two samples, in ms. */
function timesBetween(
  before: readonly AcknowledgedWithin[],
  after: readonly AcknowledgedWithin[],
): { readonly p50: number; readonly p99: number } | undefined {
  const counts = after.map(({ seconds, count }, index) => ({ seconds, count: count - (before[index]?.count ?? 0) }))
  const all = counts.at(-1)?.count ?? 0
  return all > 0 ? { p50: quantile(counts, all * 0.5), p99: quantile(counts, all * 0.99) } : undefined
}

/** Interpolates evenly between a bucket's bounds; beyond the last bound, that bound is all that is known. */
function quantile(buckets: readonly AcknowledgedWithin[], rank: number): number {
  let lower = { seconds: 0, count: 0 }
  for (const bucket of buckets) {
    if (bucket.count >= rank) {
      if (!Number.isFinite(bucket.seconds)) break
      const share = (rank - lower.count) / Math.max(1, bucket.count - lower.count)
      return round((lower.seconds + (bucket.seconds - lower.seconds) * share) * 1000)
    }
    lower = bucket
  }
  return round(lower.seconds * 1000)
}

function round(value: number): number {
  return Number.isFinite(value) ? Math.round(value * 100) / 100 : 0
}
