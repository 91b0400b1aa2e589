import { expect, it } from 'vitest'
import { showBytes, showRate, showSpan } from './format.js'

it('shows sizes, spans and rates in the unit in which they are read', () => {
  expect([0, 1_023, 1_024, 1_536, 1_047_552, 8 * 1024 ** 3].map(showBytes)).toEqual([
    '0 B',
    '1,023 B',
    '1 KiB',
    '1.5 KiB',
    '1,023 KiB',
    '8 GiB',
  ])
  expect([0, 0.42, 12.4, 3_200, 61_000, 7_200_000, 200_000_000].map(showSpan)).toEqual([
    '0 ms',
    '0.4 ms',
    '12 ms',
    '3.2 s',
    '1 min',
    '2 h',
    '2 d',
  ])
  expect([0.25, 12.34, 4_321.9].map(showRate)).toEqual(['0.3', '12.3', '4,322'])
})
