import { describe, expect, it } from 'vitest'
import type { Liars } from './simulated-liar.js'
import { type Fault, Simulation, type SimulationOptions } from './simulation.js'

/** Each rule is needed: without it the same runs come to grief within some hundred seeds. `defer` and `team-first` need rarer meetings: see replica.test.ts. */
const cases: readonly {
  readonly rule: 'compare-and-set' | 'project-all' | 'tombstones' | 'incarnations' | 'never-back' | 'origin'
  readonly faults: readonly Fault[]
  readonly liars?: Liars
  /** The seed from which the search begins, where the first that finds it comes late. */
  readonly from?: number
}[] = [
  { rule: 'compare-and-set', faults: ['lostTail', 'eviction', 'twiceUp', 'halfOpen', 'compact', 'longOffline'] },
  { rule: 'project-all', faults: ['lostDevice', 'relayBackup', 'crash', 'longOffline', 'erase'] },
  { rule: 'tombstones', faults: ['relayLoss', 'erase', 'frozenClock'] },
  { rule: 'incarnations', faults: ['relayLoss', 'erase'] },
  { rule: 'never-back', faults: ['relayBackup', 'erase', 'longOffline'], from: 60 },
  { rule: 'origin', faults: [], liars: 'both' },
]

/** Far above the seed at which each is found today: a change of what the simulation draws moves it. */
const most = 400

describe('disabling a rule', () => {
  it.each(cases)(
    '$rule is found by some seed, and the same seed passes with it',
    { timeout: 180_000 },
    async ({ rule, faults, liars, from = 0 }) => {
      const run = (seed: number, disabledRules: NonNullable<SimulationOptions['disabledRules']>): Promise<readonly string[]> =>
        new Simulation({ seed, faults: new Set(faults), liars, disabledRules }).run()
      let found: number | undefined
      for (let seed = from; seed < most && found === undefined; seed++) if ((await run(seed, new Set([rule]))).length > 0) found = seed
      expect(found, `no seed below ${most} finds it`).toBeDefined()
      expect(await run(found ?? 0, new Set()), `seed ${found} with the rule`).toEqual([])
    },
  )
})
