import { feedName, parseOrgId } from '@entente/protocol'
import { expect, it } from 'vitest'
import { Looks } from './looks.js'

it('looks at a feed when it has grown, and else once in a while', () => {
  const looks = new Looks()
  const feed = feedName({ kind: 'team', org: parseOrgId('a'.repeat(43)), topic: 'messages' })
  expect([looks.isDue(feed, 3, 0), looks.isDue(feed, 3, 5_000), looks.isDue(feed, 4, 5_001), looks.isDue(feed, 4, 9_000)]).toEqual([
    true,
    false,
    true,
    false,
  ])
  // A head that went back is another one too.
  expect(looks.isDue(feed, 3, 9_001)).toBe(true)
  expect(looks.isDue(feed, 3, 69_002)).toBe(true)
})
