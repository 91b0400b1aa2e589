import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Fault, faultNames, World } from './world.js'

const turn = (): Promise<void> => setImmediate()

// SIMULATION_RUNS and SIMULATION_SEED try more than the suite has time for.
const runs = Number(process.env['SIMULATION_RUNS'] ?? 120)
const seed = Number(process.env['SIMULATION_SEED'] ?? Date.now() % 2 ** 31)

describe('two orgs and a relay under faults', () => {
  it(
    `[MG1, PB1, EP4, IN3] come to rest with nothing lost, whatever happened (seed ${seed}, ${runs} runs)`,
    { timeout: 600_000 },
    async () => {
      const run = fc.asyncProperty(fc.nat(), fc.subarray<Fault>([...faultNames]), async (worldSeed, faults) => {
        const world = new World({ seed: worldSeed, faults: new Set(faults), turn })
        expect(await world.run()).toEqual([])
      })
      await fc.assert(run, { numRuns: runs, seed, endOnFailure: true })
    },
  )

  // Seeds that failed once, each for a reason that must not come back. A seed is worth something as long as the draws before the failure stay the same:
  // where it no longer leads there, the reason needs a test of its own (the first one has it: replica.test.ts, "never writes over a doc").
  it.each<{ readonly reason: string; readonly seed: number; readonly faults: readonly Fault[] }>([
    {
      reason: 'shows no withdrawn field of a record whose owner lost it and never came to replace its doc',
      seed: 1958062930,
      faults: [
        'eviction',
        'lostDevice',
        'relayLoss',
        'twiceUp',
        'twiceDown',
        'halfOpen',
        'narrow',
        'skew',
        'years',
        'relayClock',
        'compact',
        'longOffline',
      ],
    },
  ])('$reason', async ({ seed: worldSeed, faults }) => {
    expect(await new World({ seed: worldSeed, faults: new Set(faults), turn }).run()).toEqual([])
  })
})
