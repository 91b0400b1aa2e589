import { describe, expect, test } from 'vitest'
import { type MemoryOrg } from '../testing/org.js'
import { setup } from '../testing/setup.js'

function signedState(org: MemoryOrg, whose: 'own' | 'peer', topic: string): string | undefined {
  return org.sync.status().signed.find((each) => each.whose === whose && each.topic === topic)?.state
}

describe('what a peer signs', () => {
  test('[HD4, HD5] is confirmed on both sides once the feeds have come to rest', async () => {
    const { vera, paul, copy, clock, pass } = await setup({ upTo: 'exported' })
    await paul.records.edit('Lead', copy, { Status: 'Working - Contacted' })
    for (let second = 0; second < 12; second++) {
      clock.advance(1_000)
      await pass(20)
    console.log(second, vera.sync.status().signed.map(({ whose, topic, state }) => [whose, topic, state].join(' ')).join('; '), vera.sync.status().problems)
    }
    expect(vera.sync.status().signed.map(({ state }) => state)).toEqual(Array(6).fill('signed'))
  })
})
