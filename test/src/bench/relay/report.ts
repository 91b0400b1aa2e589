import { benchAcknowledge } from './acknowledge.js'
import { benchDeliveries } from './deliveries.js'
import type { Figure } from './figure.js'
import { benchReconnect } from './reconnect.js'
import { benchCatchUp } from './catch-up.js'
import { benchIdle, benchMemory } from './memory.js'
import { installPeers } from './server-process.js'
import { checkWire } from './wire.js'

export interface Options {
  /** Every comparison is made this often, the contestants in turn; medians count. */
  readonly rounds: number
  /** The measurements to make; none named: all. */
  readonly only: readonly string[]
  /** Smaller numbers of everything, to see that it runs. */
  readonly quick: boolean
  readonly store: 'libsql' | 'postgres'
}

export interface Measurement {
  readonly name: string
  readonly figures: readonly Figure[]
  /** What else was seen, round by round. */
  readonly details: unknown
}

type Measure = (options: Options) => Promise<Omit<Measurement, 'name'>>

const measures: Readonly<Record<string, Measure>> = {
  deliveries: benchDeliveries,
  acknowledge: benchAcknowledge,
  reconnect: benchReconnect,
  'catch-up': benchCatchUp,
  memory: benchMemory,
  idle: benchIdle,
}

export const figureNames: readonly string[] = Object.keys(measures)

/** Measures the relay against its peers, one thing after the other. @throws Error where a server cannot be started or says what it must not */
export async function benchRelay(options: Options): Promise<readonly Measurement[]> {
  checkWire()
  installPeers()
  const made: Measurement[] = []
  for (const [name, measure] of Object.entries(measures)) {
    if (options.only.length > 0 && !options.only.includes(name)) continue
    process.stderr.write(`Measuring ${name}\n`)
    made.push({ name, ...(await measure(options)) })
  }
  return made
}
