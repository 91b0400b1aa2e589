import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Chance } from './chance.js'
import { mutate } from './mutate.js'
import type { Target } from './targets.js'

/** An input that a decoder must answer faster, in ms; where it does not, it is tried ten times alone, and the median counts. */
const slowMs = 50
const retries = 10
/** What one input may leave behind, and the whole run, in bytes. */
const mostGrowth = 400 * 1024 * 1024
/** Inputs of a decoder that answered in a way of their own, from which others are made too. */
const keptPerTarget = 300

/** Inputs that once broke something, by decoder: test/fuzz/corpus/<decoder>/<name>. */
export const corpus = fileURLToPath(new URL('../../fuzz/corpus/', import.meta.url))

export interface Finding {
  readonly target: string
  /** What happened, without anything of the input. */
  readonly what: string
  readonly input: Uint8Array
}

export interface FuzzReport {
  readonly inputs: number
  readonly findings: readonly Finding[]
  /** For each decoder the number of inputs, of different answers, and the slowest answer in ms. */
  readonly targets: ReadonlyMap<string, { readonly inputs: number; readonly answers: number; readonly slowestMs: number }>
}

export interface FuzzOptions {
  readonly targets: readonly Target[]
  readonly seed: number
  /** Whether to go on, asked before each round of inputs. */
  readonly goOn: (inputs: number) => boolean
  /** Told each finding as it comes. */
  readonly found?: (finding: Finding) => void
}

/** The inputs of the corpus for a decoder. */
export function keptInputs(target: string): readonly (readonly [name: string, input: Uint8Array])[] {
  const folder = `${corpus}${folderOf(target)}`
  try {
    return readdirSync(folder)
      .toSorted()
      .map((name) => [name, new Uint8Array(readFileSync(`${folder}/${name}`))])
  } catch {
    return []
  }
}

export function folderOf(target: string): string {
  return target.toLowerCase().replaceAll(' ', '-')
}

export function nameOf(input: Uint8Array): string {
  return createHash('sha256').update(input).digest('hex').slice(0, 16)
}

/** Tries inputs, decoder by decoder in turn, until it is told to stop. First the seeds and the corpus, then changes of them and of what answered in a way of its own. */
export async function fuzz({ targets, seed, goOn, found = () => undefined }: FuzzOptions): Promise<FuzzReport> {
  const findings: Finding[] = []
  const pools = targets.map((target) => new Pool(target, seed))
  const note = (finding: Finding): void => {
    findings.push(finding)
    found(finding)
  }
  const rssBefore = process.memoryUsage().rss
  let inputs = 0
  const tryOne = async (pool: Pool, input: Uint8Array): Promise<void> => {
    inputs++
    const finding = await pool.take(input)
    if (finding) note(finding)
  }
  for (const pool of pools) for (const input of pool.first) await tryOne(pool, input)
  while (goOn(inputs)) {
    for (const pool of pools) {
      for (let left = pool.share; left > 0; left--) await tryOne(pool, pool.draw())
      const growth = process.memoryUsage().rss - rssBefore
      if (growth > mostGrowth)
        note({ target: pool.target.name, what: `the process grew by ${Math.round(growth / 2 ** 20)} MiB`, input: new Uint8Array() })
    }
    const polluted = Object.getOwnPropertyNames(Object.prototype).length !== ownNames
    if (polluted) note({ target: 'all', what: 'the prototype of all objects was changed', input: new Uint8Array() })
    if (findings.length > 50 || polluted) break
  }
  return { inputs, findings, targets: new Map(pools.map((pool) => [pool.target.name, pool.tally])) }
}

const ownNames = Object.getOwnPropertyNames(Object.prototype).length

/** The inputs of one decoder, and what it answered. */
class Pool {
  readonly target: Target
  readonly first: readonly Uint8Array[]
  readonly inputs: Uint8Array[]
  readonly #answers = new Set<string>()
  #tried = 0
  #slowestMs = 0
  #spentMs = 0

  /** Draws of its own, so that a seed gives the same inputs however fast the machine is, and whatever else is tried. */
  readonly #chance: Chance

  constructor(target: Target, seed: number) {
    this.target = target
    this.#chance = new Chance(seed)
    this.first = [...target.seeds, ...keptInputs(target.name).map(([, input]) => input)]
    this.inputs = target.seeds.filter(({ length }) => length < 64 * 1024)
  }

  get tally(): { readonly inputs: number; readonly answers: number; readonly slowestMs: number } {
    return { inputs: this.#tried, answers: this.#answers.size, slowestMs: this.#slowestMs }
  }

  /** The inputs of its next turn: some 20 ms of work. */
  get share(): number {
    return Math.min(500, Math.max(3, Math.floor((20 * this.#tried) / Math.max(1, this.#spentMs))))
  }

  draw(): Uint8Array {
    return mutate(this.#chance.one(this.inputs), this.target.form, this.#chance, this.inputs)
  }

  async take(input: Uint8Array): Promise<Finding | undefined> {
    this.#tried++
    const began = performance.now()
    const answer = await answerOf(this.target, input)
    const ms = performance.now() - began
    this.#spentMs += ms
    if (answer.isForeign) return { target: this.target.name, what: answer.text, input }
    if (!this.#answers.has(answer.text)) {
      this.#answers.add(answer.text)
      if (this.inputs.length < keptPerTarget && input.length < 64 * 1024) this.inputs.push(input)
    }
    if (ms > this.#slowestMs) {
      const median = ms > slowMs ? await medianMs(this.target, input) : ms
      this.#slowestMs = Math.max(this.#slowestMs, median)
      if (median > slowMs) return { target: this.target.name, what: `takes ${median.toFixed(0)} ms`, input }
    }
    return undefined
  }
}

interface Answer {
  readonly text: string
  /** Whether something else than a refusal of ours came out. */
  readonly isForeign: boolean
}

async function answerOf({ decode }: Target, input: Uint8Array): Promise<Answer> {
  const given = input.slice()
  try {
    const result = await decode(given)
    const isChanged = given.length < 4_096 && given.some((byte, index) => byte !== input[index])
    if (isChanged) return { text: 'its input was changed', isForeign: true }
    return { text: shapeOf(result), isForeign: false }
  } catch (error) {
    if (!(error instanceof Error)) return { text: 'something was thrown that is no error', isForeign: true }
    const isOurs = (error.name === 'ProtocolError' || error.name === 'EngineError') && 'code' in error
    return { text: `${error.name} ${isOurs ? String(error.code) : ''} ${error.message.replaceAll(/\d+/g, '#')}`, isForeign: !isOurs }
  }
}

/** What kind of result it is: enough to see a new one. */
function shapeOf(result: unknown): string {
  if (typeof result !== 'object' || result === null) return typeof result
  if (Array.isArray(result)) return [...new Set(result.map((part) => (typeof part === 'string' ? part : typeof part)))].toSorted().join()
  if (result instanceof Error) return `${result.name} ${result.message.replaceAll(/\d+/g, '#')}`
  const parts = Object.entries(result).slice(0, 12)
  return parts.map(([name, part]) => (typeof part === 'boolean' || name === 'reason' ? `${name}=${String(part)}` : name)).join()
}

/** Of the processor's time, so that a machine which is busy with other things does not count. */
async function medianMs(target: Target, input: Uint8Array): Promise<number> {
  const times: number[] = []
  for (let left = retries; left > 0; left--) {
    const before = process.cpuUsage()
    await answerOf(target, input)
    const { user, system } = process.cpuUsage(before)
    times.push((user + system) / 1000)
  }
  return times.toSorted((one, other) => one - other)[retries / 2] ?? 0
}
