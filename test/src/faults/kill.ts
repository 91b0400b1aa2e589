import type { RelayProcess } from '../node/relay-process.js'
import type { Findings } from './author.js'
import type { Chance } from './chance.js'
import { startLoad } from './load.js'

export interface KillPlan {
  readonly times: number
  /** The same seed gives the same edits and the same moments, as far as the machine allows. */
  readonly seed: number
  /** Keys that each author edits in each of its feeds. */
  readonly keysPerFeed: number
  /** Flags for the relay beside its port and directory. */
  readonly flags: readonly string[]
}

/** Figures of a run; `bad` sums up all that must be 0. */
export interface KillReport extends Findings {
  readonly seed: number
  readonly killed: number
  readonly killedWhileStarting: number
  /** Entries that the reader with a cursor took in, live and catching up. */
  readonly read: number
  /** Entries that came to it at or below its cursor. */
  readonly repeated: number
  /** Keys about which it and a reader from the start differed after a kill. */
  readonly differing: number
  readonly lostCursors: number
  /** Entries in the feeds that nobody offered, or that are missing there. */
  readonly unaccounted: number
  readonly bad: number
  readonly seconds: number
}

/**
 * Kills a relay with SIGKILL again and again under load, and holds what is there afterwards against what was acknowledged and what was fanned
 * out (rule AK1). The relay must be running; it is running at the end.
 *
 * @param tell is given a line per ten kills
 */
export async function killUnderLoad(relay: RelayProcess, plan: KillPlan, tell: (line: string) => void = () => {}): Promise<KillReport> {
  const began = performance.now()
  const load = await startLoad(relay, plan)
  const { chance, findings, reader } = load
  const totals = { killed: 0, killedWhileStarting: 0, differing: 0, unaccounted: 0 }
  for (;;) {
    const { unaccounted, fresh } = await load.check()
    totals.unaccounted += unaccounted
    const reading = await load.read()
    totals.differing += reader.differences(fresh).length
    if (totals.killed === plan.times) {
      await reading.close()
      break
    }
    const working = await load.work()
    // Often so early that what the last kill left open is only just being offered again.
    await pause(chance.between(1, chance.happens(0.3) ? 40 : 300))
    await relay.kill('SIGKILL')
    totals.killed++
    await Promise.all([reading, ...working].map(({ closed }) => closed))
    if (chance.happens(0.15)) totals.killedWhileStarting += await killWhileStarting(relay, plan, chance)
    await relay.start(plan.flags)
    if (totals.killed % 10 === 0) tell(`${totals.killed} kills, ${findings.acknowledged} acknowledged, ${reader.taken} read`)
  }
  const seconds = Math.round((performance.now() - began) / 100) / 10
  const read = { read: reader.taken, repeated: reader.repeated, lostCursors: reader.lost }
  const bad =
    findings.lostAcknowledged +
    findings.lostFannedOut +
    findings.storedTwice +
    findings.wronglyRefused +
    findings.unavailable +
    read.repeated +
    read.lostCursors +
    totals.differing +
    totals.unaccounted
  return { seed: plan.seed, ...totals, ...findings, ...read, bad, seconds }
}

async function killWhileStarting(relay: RelayProcess, plan: KillPlan, chance: Chance): Promise<number> {
  const starting = relay.start(plan.flags).then(
    () => 0,
    () => 1,
  )
  await pause(chance.between(20, 350))
  await relay.kill('SIGKILL')
  return starting
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
