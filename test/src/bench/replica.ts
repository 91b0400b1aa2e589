import * as engine from '@entente/engine/testing'
import { connectionKey, openSeal, sampleConnection, sampleSecret } from '@entente/engine/testing'
import * as protocol from '@entente/protocol'
import { type Entry, feedName, type FeedName, loadDoc, readSlots } from '@entente/protocol'
import * as Y from 'yjs'
import { median } from './measure.js'
import { registers, runReplica } from './replica-run.js'

const docs = 10_000
const leads: FeedName = feedName({ kind: 'connection', connection: sampleConnection, side: 'vendor', topic: 'lead' })

/** Microseconds per doc: absorbing whole docs of ten registers as the peer, projecting one changed register as the owner, absorbing that update. */
export async function benchReplica(rounds: number): Promise<Record<string, unknown>> {
  const runs: Awaited<ReturnType<typeof runOnce>>[] = []
  for (let round = 0; round < rounds; round++) runs.push(await runOnce())
  const of = (name: keyof (typeof runs)[number]): number => Math.round(median(runs.map((run) => run[name])) * 10) / 10
  return {
    docs,
    registers,
    rounds,
    absorbWholeDocMicros: of('absorbWhole'),
    naiveAbsorbMicros: of('naive'),
    absorbAgainstNaive: Math.round(median(runs.map((run) => run.absorbWhole / run.naive)) * 100) / 100,
    openSealsAloneMicros: of('openAlone'),
    projectOneRegisterMicros: of('projectOne'),
    absorbOneRegisterMicros: of('absorbOne'),
    updateBytes: of('updateBytes'),
  }
}

async function runOnce() {
  const { figures, entries } = await runReplica({ engine, protocol }, { docs })
  return { ...figures, naive: absorbNaively(entries), openAlone: openSeals(entries) }
}

// The key that both ends of the sample connection derive. Opening is real: a wrong key would throw.
const cipherKey = connectionKey(sampleSecret, sampleConnection, 'vendor', 'docs')

/** What the obvious code does with the same entries: a Y.Doc each, all slots opened, state encoded, put in a map. Nothing is checked, kept in step or durable. */
function absorbNaively(entries: readonly Entry[]): number {
  const start = performance.now()
  const kept = new Map<string, unknown>()
  for (const { key, epoch, bytes } of entries) {
    const doc = new Y.Doc()
    Y.applyUpdate(doc, bytes)
    const values: unknown[] = []
    for (const [slot, sealed] of doc.getMap('v')) {
      if (sealed instanceof Uint8Array) values.push(openSeal(cipherKey, { feed: leads, key, slot, epoch }, sealed))
    }
    kept.set(key, { state: Y.encodeStateAsUpdate(doc), values })
  }
  return ((performance.now() - start) * 1000) / entries.length
}

/** The part of it that is the cipher's alone. */
function openSeals(entries: readonly Entry[]): number {
  const docs = entries.map(({ key, epoch, bytes }) => ({ key, epoch, slots: [...readSlots(loadDoc([bytes]))] }))
  const start = performance.now()
  for (const { key, epoch, slots: sealed } of docs)
    for (const [slot, bytes] of sealed) openSeal(cipherKey, { feed: leads, key, slot, epoch }, bytes)
  return ((performance.now() - start) * 1000) / entries.length
}
