import { type OrgId, parseOrgId } from '@entente/protocol'
import { expect, it } from 'vitest'
import { FairQueue, type Queueable } from './fair-queue.js'

interface Named extends Queueable {
  readonly name: string
}

const org = (letter: string): OrgId => parseOrgId(letter.repeat(43))
const some = (letter: string, from: number, to: number): readonly Named[] =>
  Array.from({ length: to - from }, (_, index) => ({ publisher: { org: org(letter) }, name: `${letter}${from + index}` }))
const never = (): boolean => false
const names = (taken: readonly Named[]): readonly string[] => taken.map(({ name }) => name)

function linesOf(...all: (readonly Named[])[]): FairQueue<Named> {
  const lines = new FairQueue<Named>()
  for (const line of all) lines.add(line[0]?.publisher.org ?? org('z'), line)
  return lines
}

it('gives each org its share of a round, and keeps the order within an org', () => {
  const lines = linesOf(some('a', 0, 1_000), some('b', 0, 2))
  const round = names(lines.take(100, never))
  expect(round).toEqual([...names(some('a', 0, 50)), 'b0', 'b1'])
  expect(names(lines.take(100, never))).toEqual(names(some('a', 50, 150)))
  expect(lines.size).toBe(850)
})

it('takes turns where not all of them fit a round', () => {
  const lines = linesOf(...['a', 'b', 'c', 'd'].map((letter) => some(letter, 0, 8)))
  const who = (): string => [...new Set(names(lines.take(8, never)).map((name) => name.slice(0, 1)))].join('')
  expect([who(), who(), who(), who()]).toEqual(['ab', 'cd', 'ab', 'cd'])
  expect(lines.size).toBe(0)
})

it('leaves what is to wait, with all behind it, to its own org', () => {
  const lines = linesOf(some('a', 0, 3), some('b', 0, 3))
  expect(names(lines.take(10, ({ name }) => name === 'a1'))).toEqual(['a0', 'b0', 'b1', 'b2'])
  expect(names(lines.take(10, never))).toEqual(['a1', 'a2'])
})

it('puts back in front, in order', () => {
  const lines = linesOf(some('a', 2, 4))
  lines.putBack([...some('a', 0, 2), ...some('b', 0, 1)])
  expect(lines.size).toBe(5)
  expect(names(lines.take(10, never))).toEqual(['a0', 'a1', 'a2', 'a3', 'b0'])
  lines.putBack(some('c', 0, 2))
  expect(names(lines.takeAll())).toEqual(['c0', 'c1'])
  expect(lines.size).toBe(0)
})
