import { expect, it } from 'vitest'
import { InboundBacklog } from './inbound-backlog.js'

const mega = 1024 * 1024

it('lets one session have its megabyte, and many together no more than a frame each beyond sixteen', () => {
  const inboundBacklog = new InboundBacklog()
  inboundBacklog.add(mega)
  expect([inboundBacklog.isEnough(mega), inboundBacklog.isEnough(mega + 1)]).toEqual([false, true])
  for (let session = 1; session < 17; session++) inboundBacklog.add(mega)
  expect([inboundBacklog.isEnough(256 * 1024), inboundBacklog.isEnough(256 * 1024 + 1)]).toEqual([false, true])
  inboundBacklog.add(-2 * mega)
  expect(inboundBacklog.isEnough(mega)).toBe(false)
})
