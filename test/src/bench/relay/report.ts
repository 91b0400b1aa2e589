import { TestPostgres } from '@entente/relay-server/testing'
import { benchAcknowledge } from './acknowledge.js'
import { benchDeliveries } from './deliveries.js'
import type { Figure } from './figure.js'
import { benchReconnect } from './reconnect.js'
import { benchCatchUp } from './catch-up.js'
import { benchIdle, benchMemory } from './memory.js'
import { benchScale } from './scale.js'
import { installPeers, ServerProcess } from './server-process.js'
import { checkWire } from './wire.js'

export interface Asked {
  /** Every comparison is made this often, the contestants in turn; medians count. */
  readonly rounds: number
  /** The measurements to make; none named: all. */
  readonly only: readonly string[]
  /** Smaller numbers of everything, to see that it runs. */
  readonly quick: boolean
  readonly store: 'libsql' | 'postgres'
}

export interface Options extends Asked {
  /** Starts a relay over an empty store of the kind under measure. @param extra further flags of `entente-relay serve` */
  readonly startRelay: (extra?: readonly string[]) => Promise<ServerProcess>
  /** The database server, where the store is PostgreSQL. */
  readonly postgres: TestPostgres | undefined
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
  scale: benchScale,
}

export const figureNames: readonly string[] = Object.keys(measures)

/** The devices of a bench all come from one address, and come back as fast as they can. */
const unbounded = ['--sockets-per-second', '1000000', '--silent-sockets-per-address', '1000000']

/** Measures the relay against its peers, one thing after the other. @throws Error where a server cannot be started or says what it must not */
export async function benchRelay(asked: Asked): Promise<readonly Measurement[]> {
  checkWire()
  installPeers()
  const postgres = asked.store === 'postgres' ? await TestPostgres.start(['max_connections=400']) : undefined
  const flags = async (): Promise<readonly string[]> => (postgres ? ['--store', postgres.url(await postgres.newDatabase())] : [])
  const startRelay = async (extra: readonly string[] = []): Promise<ServerProcess> =>
    ServerProcess.relay([...(await flags()), ...unbounded, ...extra])
  try {
    return await measureAll({ ...asked, startRelay, postgres })
  } finally {
    await postgres?.remove()
  }
}

async function measureAll(options: Options): Promise<readonly Measurement[]> {
  const made: Measurement[] = []
  for (const [name, measure] of Object.entries(measures)) {
    if (options.only.length > 0 && !options.only.includes(name)) continue
    process.stderr.write(`Measuring ${name}\n`)
    made.push({ name, ...(await measure(options)) })
  }
  return made
}

/** The figures as lines to read: what, ours, beside it, ratio, aim. */
export function table(measurements: readonly Measurement[]): string {
  const rows = measurements.flatMap(({ figures }) =>
    figures.map(({ name, unit, ours, beside, aim, met }) => [
      name,
      `${ours} ${unit}`,
      beside ? `${beside.name} ${beside.value}` : '',
      beside ? `${beside.ratio}×` : '',
      aim ?? '',
      aim === undefined ? '' : met ? 'met' : 'MISSED',
    ]),
  )
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) => `${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}\n`).join('')
}
