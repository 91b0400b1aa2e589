import { randomBytes } from 'node:crypto'
import { LeafTree, leafBytes, leafOfDoc } from '@entente/engine/testing'
import { existenceSlot, parseKey } from '@entente/protocol'
import { median } from './measure.js'

const docs = 100_000
const slots = new Map(Array.from({ length: 11 }, (_, slot) => [slot < 10 ? `${slot}` : existenceSlot, new Uint8Array(randomBytes(73))]))

/**
 * What a signed head costs over a feed of 100,000 docs: the root whole and after one change, in ms, and the leaf of one doc of ten registers, in µs. It is
 * processor time: what else runs on the machine does not count.
 */
export function benchHeads(rounds: number): Record<string, number> {
  const keys = Array.from({ length: docs }, () => parseKey(randomBytes(16).toString('base64url'))).sort()
  const runs = Array.from({ length: Math.max(3, rounds) }, () => {
    const leaves = keys.map(() => new Uint8Array(randomBytes(leafBytes)))
    const tree = new LeafTree()
    keys.forEach((key, index) => tree.set(key, leaves[index]))
    const whole = timed(() => tree.root())
    const changes = keys.filter((_, index) => index % 500 === 0)
    const one = timed(() => {
      for (const [index, key] of changes.entries()) {
        tree.set(key, leaves[index])
        tree.root()
      }
    })
    const leaf = timed(() => {
      for (const key of keys.slice(0, 10_000)) leafOfDoc(key, slots)
    })
    return { whole, one: one / changes.length, leaf: leaf / 10 }
  })
  const of = (name: keyof (typeof runs)[number]): number => Math.round(median(runs.map((run) => run[name])) * 100) / 100
  return { docs, rootWholeMs: of('whole'), rootAfterOneChangeMs: of('one'), leafMicros: of('leaf') }
}

function timed(work: () => void): number {
  const start = process.cpuUsage()
  work()
  return process.cpuUsage(start).user / 1000
}
