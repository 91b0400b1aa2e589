import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decode, encode } from './codec.js'
import { compareEpochs, epoch, nextEpoch } from './epoch.js'
import { boundClock, compareStamps, isStamp, latestClock, nextStamp, type Stamp } from './stamp.js'

const stamp = fc.tuple(fc.nat(5), fc.nat(3), fc.nat(3)) as fc.Arbitrary<Stamp>

describe('stamps', () => {
  it('[ST1] are totally ordered: by time, then counter, then session', () => {
    fc.assert(
      fc.property(stamp, stamp, stamp, (a, b, c) => {
        expect(Math.sign(compareStamps(a, b)) + Math.sign(compareStamps(b, a))).toBe(0)
        if (compareStamps(a, b) <= 0 && compareStamps(b, c) <= 0) expect(compareStamps(a, c)).toBeLessThanOrEqual(0)
        if (compareStamps(a, b) === 0) expect(a).toEqual(b)
      }),
    )
    expect(
      [
        [2, 0, 0],
        [1, 9, 9],
        [1, 2, 3],
        [1, 2, 1],
      ].toSorted((a, b) => compareStamps(a as unknown as Stamp, b as unknown as Stamp)),
    ).toEqual([
      [1, 2, 1],
      [1, 2, 3],
      [1, 9, 9],
      [2, 0, 0],
    ])
  })

  it('[ST2] of an edit are above the one it replaces, whatever the clock says', () => {
    fc.assert(
      fc.property(stamp, fc.integer({ min: -10, max: 10 }), fc.nat(3), (previous, now, session) => {
        const next = nextStamp(previous, now, session)
        expect(compareStamps(next, previous)).toBeGreaterThan(0)
        expect(isStamp(next)).toBe(true)
      }),
    )
  })

  it('[ST3] of the same time and counter are settled by session', () => {
    const [a, b] = [nextStamp(undefined, 100, 7), nextStamp(undefined, 100, 8)]
    expect(compareStamps(a, b)).toBeLessThan(0)
  })

  it('[ST6] stay within bounds, and there is always one above (row 82)', () => {
    for (const wild of [
      [2 ** 46, 0, 0],
      [2 ** 53 - 1, 0, 0],
      [0, 2 ** 24, 0],
      [0, 2 ** 53 - 1, 0],
    ])
      expect(isStamp(wild)).toBe(false)
    expect(isStamp([2 ** 46 - 1, 2 ** 24 - 1, 2 ** 53 - 1])).toBe(true)
    expect(nextStamp([5, 2 ** 24 - 1, 9], 5, 1)).toEqual([6, 0, 1])
    // The highest that a device makes, after which sixteen million edits of one register still have room.
    expect(nextStamp([latestClock, 2 ** 24 - 1, 9], Infinity, 1)).toEqual([latestClock + 1, 0, 1])
    for (const clock of [-1, Number.NaN, Infinity, 2 ** 53, 1e300]) {
      expect(boundClock(clock)).toBeGreaterThanOrEqual(0)
      expect(boundClock(clock)).toBeLessThanOrEqual(latestClock)
      expect(isStamp(nextStamp(undefined, clock, 1))).toBe(true)
    }
  })

  it('are three whole numbers and nothing else', () => {
    for (const wrong of [undefined, [1, 2], [1, 2, -3], [1, 2, 0.5], [1, 2, '3'], [1, 2, 2 ** 53]]) expect(isStamp(wrong)).toBe(false)
  })
})

describe('epochs', () => {
  it('[EP2] stay below 2^31 where they are read, and where the next one is made (row 82)', () => {
    const last = { version: 2 ** 31 - 1, number: 2 ** 31 - 1 }
    expect(decode(epoch, encode(epoch, last))).toEqual(last)
    for (const wild of [2 ** 31, 2 ** 53 - 1]) {
      expect(() => decode(epoch, encode(epoch, { version: wild, number: 0 }))).toThrow(expect.objectContaining({ code: 'FRAME' }))
      expect(() => decode(epoch, encode(epoch, { version: 0, number: wild }))).toThrow(expect.objectContaining({ code: 'FRAME' }))
    }
    expect(nextEpoch(last, last.version)).toEqual(last)
  })

  it('[EP2] grow with each doc begun anew, and start again under a later agreement', () => {
    const first = nextEpoch(undefined, 1)
    const second = nextEpoch(first, 1)
    const later = nextEpoch(second, 2)
    expect([first, second, later]).toEqual([
      { version: 1, number: 0 },
      { version: 1, number: 1 },
      { version: 2, number: 0 },
    ])
    expect(compareEpochs(second, first)).toBeGreaterThan(0)
    expect(compareEpochs(later, second)).toBeGreaterThan(0)
  })
})
