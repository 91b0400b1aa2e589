import { type ChildProcess, fork } from 'node:child_process'
import { resolve as absolute } from 'node:path'
import { fileURLToPath } from 'node:url'
import { median } from '../measure.js'
import { registers, type ReplicaFigures } from '../replica-run.js'

// What a change costs that touches how values are sealed, absorbed and projected: this version and another, in turn, on the same data.

/** What each figure may at most be, as a ratio to the other version or in bytes. */
const aims: Readonly<Partial<Record<keyof ReplicaFigures, number>>> = {
  absorbWhole: 1.15,
  absorbOwnWhole: 1.2,
  absorbOne: 1.3,
  absorbOwnOne: 1.3,
  projectOne: 1.1,
}

export interface SealOptions {
  /** A compiled checkout of the version to compare with. */
  readonly base: string
  readonly rounds: number
  readonly docs: number
}

export interface SealReport {
  readonly docs: number
  readonly registers: number
  readonly rounds: number
  readonly figures: readonly {
    readonly name: string
    /** Microseconds of processor time. */
    readonly before: number
    readonly after: number
    /** The median of the rounds' ratios. */
    readonly ratio: number
    readonly aim: number | undefined
  }[]
  readonly updateBytes: { readonly before: number; readonly after: number; readonly aim: number }
}

/** The first rounds do not count: V8 compiles in them. */
const warmUp = 5

/** Runs both versions in turn, by short rounds, so that a machine that slows down slows both. */
export async function benchSeal({ base, rounds, docs }: SealOptions): Promise<SealReport> {
  const here = fileURLToPath(new URL('../../../../', import.meta.url))
  const children = { before: await start(absolute(base), docs), after: await start(here, docs) }
  const results: { readonly before: ReplicaFigures; readonly after: ReplicaFigures }[] = []
  try {
    for (let round = -warmUp; round < rounds; round++) {
      const result = { before: await measure(children.before), after: await measure(children.after) }
      if (round >= 0) results.push(result)
    }
  } finally {
    for (const child of Object.values(children)) child.kill()
  }
  const middle = (of: (result: (typeof results)[number]) => number): number => Math.round(median(results.map(of)) * 100) / 100
  const names = Object.keys(results[0]?.after ?? {}) as (keyof ReplicaFigures)[]
  return {
    docs,
    registers,
    rounds,
    figures: names
      .filter((name) => name !== 'updateBytes')
      .map((name) => ({
        name,
        before: middle(({ before }) => before[name]),
        after: middle(({ after }) => after[name]),
        ratio: middle(({ before, after }) => after[name] / before[name]),
        aim: aims[name],
      })),
    updateBytes: { before: middle(({ before }) => before.updateBytes), after: middle(({ after }) => after.updateBytes), aim: 145 },
  }
}

/** The report in lines for a person. */
export function sealTable({ figures, updateBytes, docs, rounds }: SealReport): string {
  const lines = figures.map(({ name, before, after, ratio, aim }) =>
    [name.padEnd(22), `${before} µs`.padStart(12), `${after} µs`.padStart(12), String(ratio).padStart(6), aim ? `≤ ${aim}` : ''].join('  '),
  )
  const bytes = `updateBytes: ${updateBytes.before} → ${updateBytes.after} (≤ ${updateBytes.aim})`
  return `${[`${docs} docs, ${rounds} rounds, medians`, ...lines, bytes].join('\n')}\n`
}

async function start(directory: string, docs: number): Promise<ChildProcess> {
  const child = fork(fileURLToPath(new URL('version.js', import.meta.url)), [directory, String(docs)])
  await answer(child)
  return child
}

async function measure(child: ChildProcess): Promise<ReplicaFigures> {
  child.send('measure')
  // Only `version.ts` answers here.
  return (await answer(child)) as ReplicaFigures
}

function answer(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null): void => reject(new Error(`A measured version ended with ${String(code)}`))
    child.once('exit', ended)
    child.once('message', (message: unknown) => {
      child.off('exit', ended)
      resolve(message)
    })
  })
}
