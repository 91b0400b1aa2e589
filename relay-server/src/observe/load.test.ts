import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Counts, LoadMeter } from './load.js'

const idle: Counts = { entriesIn: 0, entriesOut: 0, acknowledged: bucketsOf(0, 0, 0) }

describe('how busy the relay is', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] }))
  afterEach(() => void vi.useRealTimers())

  it('is told in rates over the last ten seconds, whoever asks and how often', async () => {
    let counts = idle
    const meter = new LoadMeter(async () => counts)
    meter.start()
    for (let second = 1; second <= 30; second++) {
      counts = { ...counts, entriesIn: counts.entriesIn + 20, entriesOut: counts.entriesOut + 200 }
      await vi.advanceTimersByTimeAsync(1_000)
      meter.now()
    }
    expect(meter.now()).toMatchObject({ overSeconds: 10, entriesInPerSecond: 20, entriesOutPerSecond: 200 })
    expect(meter.now().memory.residentBytes).toBeGreaterThan(1_000_000)
    meter.stop()
  })

  it('takes the times to an acknowledgement from those seconds only', async () => {
    let counts: Counts = { ...idle, acknowledged: bucketsOf(0, 0, 5_000) }
    const meter = new LoadMeter(async () => counts)
    meter.start()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(meter.now().acknowledgeMs).toBeUndefined()
    counts = { ...idle, acknowledged: bucketsOf(50, 100, 5_100) }
    await vi.advanceTimersByTimeAsync(1_000)
    expect(meter.now().acknowledgeMs).toEqual({ p50: 10, p99: 98.2 })
    meter.stop()
  })

  it('says nothing of rates before there are two counts, or while there are none', async () => {
    const meter = new LoadMeter(() => Promise.reject(new Error('no counts')))
    meter.start()
    await vi.advanceTimersByTimeAsync(3_000)
    expect(meter.now()).toMatchObject({ overSeconds: 0, entriesInPerSecond: 0 })
    meter.stop()
  })
})

/** Acknowledgements so far within 10 ms, within 100 ms, and of any time. */
function bucketsOf(ten: number, hundred: number, all: number): Counts['acknowledged'] {
  return [
    { seconds: 0.01, count: ten },
    { seconds: 0.1, count: hundred },
    { seconds: Number.POSITIVE_INFINITY, count: all },
  ]
}
