import { expect, it } from 'vitest'
import { Backlog } from './backlog.js'

const mega = 1024 * 1024

it('lets one session have its four megabytes, and many together no more than a frame each beyond sixty-four', () => {
  const backlog = new Backlog()
  backlog.add(4 * mega)
  expect([backlog.isEnough(4 * mega), backlog.isEnough(4 * mega + 1)]).toEqual([false, true])
  for (let session = 1; session < 17; session++) backlog.add(4 * mega)
  expect([backlog.isEnough(256 * 1024), backlog.isEnough(256 * 1024 + 1)]).toEqual([false, true])
  backlog.add(-8 * mega)
  expect(backlog.isEnough(4 * mega)).toBe(false)
})
