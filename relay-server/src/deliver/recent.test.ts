import { feedName, parseConnectionId } from '@entente/protocol'
import { expect, it } from 'vitest'
import { Recent, type Sent } from './recent.js'

const nameOf = (letter: string) =>
  feedName({ kind: 'connection', connection: parseConnectionId(letter.repeat(22)), side: 'vendor', topic: 'lead' })
const name = nameOf('A')

/** What was sent of the entries after `from` up to `to`, each a byte that is its sequence, and as many more as `size` asks for. */
function sent(from: number, to: number, size = to - from): Sent {
  const bytes = Uint8Array.from({ length: size }, (_, index) => (index < to - from ? from + index + 1 : 0))
  return { from, to, chunks: [{ count: to - from, bytes, to }] }
}

const bytesAfter = (recent: Recent, cursor: number, head: number): number[] | undefined => {
  const found = recent.after(name, cursor, head)
  return found && [...(found.chunks[0]?.bytes ?? [])]
}

it('gives what came after a cursor, from where one message to the readers ended to where the last did', () => {
  const recent = new Recent()
  recent.note(name, sent(4, 6), true)
  recent.note(name, sent(6, 7), true)
  recent.note(name, sent(7, 9), true)
  expect(recent.after(name, 4, 9)).toEqual({ from: 4, to: 9, chunks: [{ count: 5, bytes: Buffer.from([5, 6, 7, 8, 9]), to: 9 }] })
  expect(bytesAfter(recent, 6, 7)).toEqual([7, 8, 9])
  expect(bytesAfter(recent, 7, 9)).toEqual([8, 9])
  // In the middle of a message, before the first, at the end, and where the feed has gone on at other hands.
  for (const [cursor, head] of [
    [5, 9],
    [3, 9],
    [9, 9],
    [7, 10],
  ] as const)
    expect(recent.after(name, cursor, head)).toBeUndefined()
  expect(recent.after(nameOf('B'), 4, 9)).toBeUndefined()
})

it('begins anew behind a gap, and behind whatever may replace or erase what came before', () => {
  const recent = new Recent()
  recent.note(name, sent(4, 6), true)
  recent.note(name, sent(8, 9), true)
  expect(bytesAfter(recent, 4, 9)).toBeUndefined()
  expect(bytesAfter(recent, 8, 9)).toEqual([9])
  recent.note(name, sent(9, 10), false)
  expect(bytesAfter(recent, 8, 9)).toBeUndefined()
  expect(bytesAfter(recent, 9, 10)).toBeUndefined()
  recent.note(name, sent(10, 11), true)
  expect(bytesAfter(recent, 10, 11)).toEqual([11])
  recent.forget(name)
  expect(bytesAfter(recent, 10, 11)).toBeUndefined()
})

it('keeps no more of a feed than makes one message, and no more in all than it may', () => {
  const recent = new Recent(100_000)
  for (let from = 0; from < 100; from++) recent.note(name, sent(from, from + 1, 1_000), true)
  const oldest = Array.from({ length: 100 }, (_, cursor) => cursor).find((cursor) => bytesAfter(recent, cursor, 100))
  expect(oldest).toBeGreaterThan(40)
  expect(bytesAfter(recent, oldest ?? 0, 100)?.length).toBeLessThanOrEqual(64 * 1024)
  // Nor more entries than a message may hold, however small they are.
  for (let from = 0; from < 2_500; from += 500) recent.note(nameOf('D'), sent(from, from + 500), true)
  expect(recent.after(nameOf('D'), 0, 2_500)).toBeUndefined()
  expect(recent.after(nameOf('D'), 500, 2_500)?.chunks[0]?.count).toBe(2_000)
  recent.forget(nameOf('D'))
  // A message that is too long for that is not kept, and nothing before it.
  recent.note(nameOf('B'), sent(0, 1, 1_000), true)
  recent.note(nameOf('B'), sent(1, 2, 70_000), true)
  expect(recent.after(nameOf('B'), 0, 2)).toBeUndefined()
  expect(recent.after(nameOf('B'), 1, 2)).toBeUndefined()
  expect(bytesAfter(recent, 99, 100)).toBeDefined()
  // The feed that has been quiet for longest goes first.
  recent.note(nameOf('C'), sent(0, 1, 60_000), true)
  expect(bytesAfter(recent, 99, 100)).toBeUndefined()
  expect(recent.after(nameOf('C'), 0, 1)).toBeDefined()
  recent.forgetAll()
  expect(recent.after(nameOf('C'), 0, 1)).toBeUndefined()
})
