import { describe, expect, it } from 'vitest'
import { connect, setup } from '../testing/index.js'
import { agree, compareCodes } from '../testing/steps.js'

const minute = 60_000
const day = 24 * 60 * minute
const spans = [
  ['5.5 minutes', 5.5 * minute],
  ['30 days', 30 * day],
  ['ten years', 3_653 * day],
] as const

describe('[ID4, RO1] an org founded by a device whose clock is wrong', () => {
  const stories = spans.flatMap(([span, ms]) =>
    (['ahead', 'behind'] as const).flatMap((way) =>
      (['vera', 'paul'] as const).flatMap((who) =>
        (['never', 'before the first welcome', 'after connecting'] as const).map((put) => ({
          span,
          way,
          who,
          put,
          skew: way === 'ahead' ? ms : -ms,
        })),
      ),
    ),
  )

  it.each(stories)('$who, $span $way, put right $put: connects, compares codes and agrees (row 88)', async ({ who, put, skew }) => {
    const { vera, paul, network } = await setup({ [who]: { skew, cut: true } })
    const founder = who === 'vera' ? vera : paul
    if (put === 'before the first welcome') founder.clock.skew = 0
    founder.sync.mend()
    const connection = await connect({ network, vendor: vera, partner: paul })
    if (put === 'after connecting') founder.clock.skew = 0
    const both = { network, vendor: vera, partner: paul, connection }
    await compareCodes(both)
    await agree(both)
    for (const org of [vera, paul]) {
      expect(org.connections.get(connection)).toMatchObject({ state: 'Enabled', verified: 'yes', peerVerified: true })
      expect(org.agreements.get(connection)?.state).toBe('agreed')
      expect(org.problems.filter((what) => !what.startsWith('The relay’s time moved'))).toEqual([])
    }
  })
})
