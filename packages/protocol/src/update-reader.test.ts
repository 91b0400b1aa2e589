import * as encoding from 'lib0/encoding'
import { describe, expect, it } from 'vitest'
import { admitUpdate } from './admission.js'
import { createDoc, loadDoc, writeSlots } from './doc.js'
import type { ErrorCode } from './error.js'
import { limits } from './limits.js'
import { emptyVector } from './state-vector.js'
import { readUpdate } from './update-reader.js'

const sealed = new Uint8Array([7])
// An item of one byte under slot "0" of the root, as Yjs spells it, and one that follows another.
const first = [0x23, 1, 1, 0x76, 1, 0x30, 1, 7]
const following = (client: number, clock: number): number[] => [0xa3, client, clock, 1, 7]

describe('the reader of updates', () => {
  it('reads what Yjs writes: an item for each value, and the range that it overwrites', () => {
    const state = createDoc(new Map([['0', sealed]]), 5)
    expect([...state]).toEqual([1, 1, 5, 0, ...first, 0])
    const update = writeSlots(loadDoc([state], 9), new Map([['0', sealed]]))
    expect(readUpdate(update)).toEqual({
      items: [{ client: 9, clock: 0, length: 1, origin: { client: 5, clock: 0 }, slot: undefined, value: sealed }],
      deleted: [{ client: 5, clock: 0, length: 1 }],
    })
  })

  it.each<[string, ErrorCode, readonly number[]]>([
    ['[AD1] a number spelled longer than it is', 'FRAME', [1, 1, 0x85, 0, 0, ...first, 0]],
    ['[AD1] a number beyond 2^53', 'FRAME', [1, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0, ...first, 0]],
    ['[AD7] a client without items', 'FRAME', [1, 0, 5, 0, 0]],
    ['[AD1] a slot that is not UTF-8', 'FRAME', [1, 1, 5, 0, 0x23, 1, 1, 0x76, 2, 0xc3, 0x28, 1, 7, 0]],
    ['[AD7] a range that is deleted twice', 'FRAME', [1, 1, 5, 0, ...first, 1, 5, 2, 0, 1, 0, 1]],
    ['[AD1] an item of no bytes that is cut off', 'FRAME', [1, 1, 5, 0, 0x23, 1, 1, 0x76, 1, 0x30]],
    ['[AD5] an item under no slot, as in a list', 'FIELD', [1, 1, 5, 0, 0x03, 1, 1, 0x76, 1, 7, 0]],
    ['[AD5] an item inside another item', 'FIELD', [1, 1, 5, 0, 0x23, 0, 5, 0, 1, 0x30, 1, 7, 0]],
    ['[AD7] a client that comes twice', 'FRAME', [2, 1, 5, 0, ...first, 1, 5, 1, ...following(5, 0), 0]],
    ['[AD7] deletions in ascending order of clients', 'FRAME', [2, 1, 9, 0, ...first, 1, 5, 0, ...first, 2, 5, 1, 0, 1, 9, 1, 0, 1]],
  ])('refuses %s with %s', (_, code, bytes) => {
    expect(() => admitUpdate(new Uint8Array(bytes), emptyVector, undefined)).toThrow(expect.objectContaining({ code }))
  })

  it('[AD5] refuses items that refer to each other in a circle', () => {
    const circle = [2, 1, 9, 0, ...following(5, 0), 1, 5, 0, ...following(9, 0), 0]
    expect(() => admitUpdate(new Uint8Array(circle), emptyVector, undefined)).toThrow(expect.objectContaining({ code: 'FRAME' }))
  })

  it('[AD5, AD10] takes a chain through thousands of clients in the worst order, in time that grows with its length alone', () => {
    const count: number = limits.itemsPerDoc
    const chain = encoding.encode((encoder) => {
      encoding.writeVarUint(encoder, count)
      for (let client = count; client > 0; client--) {
        for (const number of [1, client, 0]) encoding.writeVarUint(encoder, number)
        // Each follows the next lower one, which stands behind it in the update.
        if (client === 1) encoding.writeUint8Array(encoder, new Uint8Array(first))
        else {
          encoding.writeUint8(encoder, 0xa3)
          for (const number of [client - 1, 0, 1, 7]) encoding.writeVarUint(encoder, number)
        }
      }
      encoding.writeVarUint(encoder, 0)
    })
    const before = process.cpuUsage()
    expect(admitUpdate(chain, emptyVector, undefined).vector.size).toBe(count)
    // A few milliseconds of this process’s own work, in microseconds; a walk over all clients for each of them would take seconds.
    const { user, system } = process.cpuUsage(before)
    expect(user + system).toBeLessThan(150_000)
  })
})
