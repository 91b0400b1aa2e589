import { feedName, parseOrgId } from '@entente/protocol'
import { expect, it } from 'vitest'
import { Looks } from './recheck.js'

const feed = feedName({ kind: 'team', org: parseOrgId('a'.repeat(43)), topic: 'messages' })

it('looks at a feed when it has grown, and else once in a while', async () => {
  const looks = new Looks()
  const isDue = async (head: number, now: number): Promise<boolean> => {
    let looked = false
    await looks.look(feed, head, now, async () => void (looked = true))
    return looked
  }
  expect([await isDue(3, 0), await isDue(3, 5_000), await isDue(4, 5_001), await isDue(4, 9_000)]).toEqual([true, false, true, false])
  // A head that went back is another one too.
  expect(await isDue(3, 9_001)).toBe(true)
  expect(await isDue(3, 69_002)).toBe(true)
})

it('looks again, when it is told the same head once more, where the look failed', async () => {
  const looks = new Looks()
  await expect(looks.look(feed, 3, 0, () => Promise.reject(new Error('no answer')))).rejects.toThrow('no answer')
  let looked = false
  await looks.look(feed, 3, 5_000, async () => void (looked = true))
  expect(looked).toBe(true)
})
