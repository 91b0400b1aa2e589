import { describe, expect, it } from 'vitest'
import { type Rule, rules } from './rules.js'
import { World } from './world.js'

/** The first seeds, of which the README says what `npm run model` finds beyond them. */
const seeds = 40

/** For each rule a seed that breaks, without it, the check that the rule is for. `npm run model -- --without RULE` searches for others. */
const finders: Readonly<Record<Rule, number>> = {
  origin: 3,
  existence: 34,
  seen: 6,
  'erased-stamps': 62,
  incarnations: 92,
  heads: 13,
  'last-head': 4,
  dispute: 2573,
  'older-head': 6908,
  unread: 72,
  'same-once': 125,
  release: 497,
  garbage: 1321,
  'read-again': 37,
  'read-behind': 13,
  'whole-again': 2913,
  leaves: 81,
  'hand-back': 1052,
  'hand-back-origin': 15,
  'hand-back-late': 3279,
  'let-go': 1369,
  sealed: 17,
  signed: 2,
  gossip: 45,
  withdrawn: 28,
  'withdrawn-heads': 40,
  'withdrawn-later': 3300,
  roster: 31,
  'roster-order': 116,
  'rotation-chain': 4445,
  'any-order': 3629,
  rotation: 63,
  'newer-generation': 72,
  'removed-decisions': 7,
}

describe('the model of the trust in the wire', () => {
  it.each(Array.from({ length: seeds }, (_, seed) => seed))('holds for seed %i', (seed) => {
    expect(new World(seed).run()).toEqual([])
  })

  it.each(Object.entries(finders) as [Rule, number][])(
    'needs the rule %s: without it seed %i breaks what the rule is for',
    (rule, seed) => {
      const { check } = rules[rule]
      expect(new World(seed, new Set([rule])).run(check).map(({ what }) => what)).toContain(check)
      if (seed >= seeds) expect(new World(seed).run()).toEqual([])
    },
  )
})
