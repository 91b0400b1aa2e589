import { expect, it } from 'vitest'
import { InboundBacklog } from './inbound-backlog.js'

const mega = 1024 * 1024

it('lets one session have its four megabytes, and many together no more than a frame each beyond sixty-four', () => {
  const inboundBacklog = new InboundBacklog()
  inboundBacklog.add(4 * mega)
  expect([inboundBacklog.isEnough(4 * mega), inboundBacklog.isEnough(4 * mega + 1)]).toEqual([false, true])
  for (let session = 1; session < 17; session++) inboundBacklog.add(4 * mega)
  expect([inboundBacklog.isEnough(256 * 1024), inboundBacklog.isEnough(256 * 1024 + 1)]).toEqual([false, true])
  inboundBacklog.add(-8 * mega)
  expect(inboundBacklog.isEnough(4 * mega)).toBe(false)
})
