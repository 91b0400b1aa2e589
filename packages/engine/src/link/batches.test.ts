import { limits } from '@entente/protocol'
import { expect, it } from 'vitest'
import { batchesOf, sizeOf } from './batches.js'

const offer = (length: number) => ({ bytes: new Uint8Array(length) })

it('parts offers by count and by size, in their order, and leaves a large one to itself', () => {
  expect([...batchesOf([])]).toEqual([])
  const small = Array.from({ length: limits.entriesPerFrame + 1 }, () => offer(1))
  const parts = [...batchesOf(small)]
  expect(parts.flat()).toEqual(small)
  for (const part of parts) {
    expect(part.length).toBeLessThanOrEqual(limits.entriesPerFrame)
    expect(part.reduce((sum, each) => sum + sizeOf(each), 0)).toBeLessThanOrEqual(64 * 1024)
  }
  const large = offer(limits.entryBytes)
  expect([...batchesOf([offer(1), large, offer(2)])]).toEqual([[offer(1)], [large], [offer(2)]])
})
