import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { constants, setPriority } from 'node:os'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { createDevice, createOrg, RelayClient } from '@entente/relay-server/testing'
import { createHistories } from '../relay/payload.js'
import { ServerProcess } from '../relay/server-process.js'
import { type Stage, stageRelay } from '../relay/stage.js'
import type { Orders, Said } from './attacker.js'
import { floodKinds } from './flood-kinds.js'
import type { Tally } from './hostile-line.js'

/** What one flood did to an honest session beside it. Times in ms. */
export interface FloodFigure {
  readonly flood: string
  readonly sockets: number
  readonly addresses: number
  readonly orgs: number
  readonly acknowledged: number
  readonly p50: number
  readonly p99: number
  readonly max: number
  /** Whether p99 is under the aim. */
  readonly pass: boolean
  /** What the relay said of its event loop meanwhile. */
  readonly loopDelay: { readonly p50: number; readonly p99: number; readonly max: number }
  /** The longest that the measuring process stood still itself: what waits no longer than that may be this machine's doing. */
  readonly ownDelay: number
  /** The median and the longest time that an honest device took meanwhile to open a session. */
  readonly open: { readonly p50: number; readonly max: number; readonly failed: number }
  readonly tallies: Readonly<Record<string, Tally>>
}

export interface FloodOptions {
  readonly seconds: number
  readonly sockets: number
  readonly addresses: number
  readonly orgs: number
  /** The floods to make one by one, beside all of them at once; none named: all of them. */
  readonly only: readonly string[]
}

const perSecond = 100
/** Updates that are acknowledged before anything is measured. */
const warmUpdates = 100
/** No honest session's acknowledgement waits longer than this at p99, in ms. */
const aimMs = 50
/** How long the honest session rests after it has published its docs, in ms. */
const restMs = 5_000
/** Sessions that are opened before anything is measured, so that the relay has compiled what it needs for one. */
const warmUps = 20
const adminToken = 'a-token-of-the-operator'
const attacker = fileURLToPath(new URL('./attacker.js', import.meta.url))

/** An honest session's acknowledgements: on a quiet relay, under each flood alone, and under all at once. */
export async function benchFloods(options: FloodOptions): Promise<readonly FloodFigure[]> {
  const names = Object.keys(floodKinds).filter((name) => options.only.length === 0 || options.only.some((some) => name.includes(some)))
  const each = Object.fromEntries(names.map((name, index) => [name, Math.ceil((options.sockets - index) / names.length)]))
  const figures = [await underFlood('none', {}, options)]
  for (const name of names) figures.push(await underFlood(name, { [name]: options.sockets }, options))
  if (names.length > 1) figures.push(await underFlood('all at once', each, options))
  return figures
}

async function underFlood(flood: string, sockets: Orders['sockets'], { seconds, addresses, orgs }: FloodOptions): Promise<FloodFigure> {
  process.stderr.write(`${flood}\n`)
  const relay = await ServerProcess.relay(['--log-level', 'error', '--admin-token', adminToken])
  // Each update is of a doc of its own, so that none waits for the one before it.
  const histories = createHistories(warmUpdates + seconds * perSecond, 1)
  const stage = await stageRelay(relay, histories, 0)
  const attackers = Object.keys(sockets).length > 0 ? fork(attacker) : undefined
  try {
    // What an honest session has just published counts against it for some seconds. In truth it has not imported a thousand docs a moment before.
    await new Promise((resolve) => setTimeout(resolve, restMs))
    await warmUp(relay.url)
    await pace(stage, 0, warmUpdates)
    if (attackers) await begin(attackers, { port: relay.port, sockets, addresses, orgs })
    // The relay counts anew from each answer on.
    await loopDelay(relay.port)
    const opens = openAgain(relay.url)
    const ownDelay = monitorEventLoopDelay({ resolution: 5 })
    ownDelay.enable()
    const waits = await pace(stage, warmUpdates, warmUpdates + seconds * perSecond)
    ownDelay.disable()
    const tallies = attackers ? await end(attackers) : {}
    return {
      flood,
      sockets: Object.values(sockets).reduce((sum, count) => sum + count, 0),
      addresses,
      orgs,
      acknowledged: waits.filter((wait) => wait !== Number.POSITIVE_INFINITY).length,
      p50: at(waits, 0.5),
      p99: at(waits, 0.99),
      max: at(waits, 1),
      pass: at(waits, 0.99) < aimMs,
      loopDelay: await loopDelay(relay.port),
      ownDelay: Number((ownDelay.max / 1e6).toPrecision(3)),
      open: await opens(),
      tallies,
    }
  } finally {
    attackers?.kill('SIGKILL')
    stage.close()
    await relay.stop()
  }
}

async function warmUp(url: string): Promise<void> {
  const device = await createDevice(await createOrg())
  for (let opened = 0; opened < warmUps; opened++) await (await RelayClient.connect(url, device)).close()
}

/** In ms, since it was last asked. */
async function loopDelay(port: number): Promise<FloodFigure['loopDelay']> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`, { headers: { authorization: `Bearer ${adminToken}` } })).text()
  const read = (name: string): number =>
    Number((Number(new RegExp(`^nodejs_eventloop_lag_${name}_seconds ([\\d.e-]+)$`, 'm').exec(text)?.[1]) * 1000).toPrecision(3))
  return { p50: read('p50'), p99: read('p99'), max: read('max') }
}

async function begin(attackers: ChildProcess, orders: Orders): Promise<void> {
  attackers.send(orders)
  await once(attackers, 'message')
  // At full rate they take all that is left of the machine. They run elsewhere in truth, so they take nothing from the relay and whoever measures it.
  setPriority(attackers.pid ?? 0, constants.priority.PRIORITY_LOW)
  attackers.send('begin')
}

async function end(attackers: ChildProcess): Promise<Readonly<Record<string, Tally>>> {
  attackers.send('end')
  const [said] = (await once(attackers, 'message')) as [Exclude<Said, 'ready'>]
  return said
}

/** Sends one update after the other. @returns how long each waited for its acknowledgement, in ms; infinity where none came */
function pace(stage: Stage, from: number, to: number): Promise<readonly number[]> {
  const sentAt: number[] = []
  const waits: number[] = []
  const start = performance.now()
  return new Promise((resolve) => {
    const finish = (): void => {
      clearInterval(tick)
      clearTimeout(patience)
      stage.onProgress = () => undefined
      resolve([...waits, ...Array.from({ length: to - from - waits.length }, () => Number.POSITIVE_INFINITY)])
    }
    stage.onProgress = () => {
      const now = performance.now()
      for (let done = stage.done(); from + waits.length < done;) waits.push(now - (sentAt[waits.length] ?? now))
      if (from + waits.length >= to) finish()
    }
    const tick = setInterval(() => {
      while (from + sentAt.length < to && sentAt.length <= ((performance.now() - start) * perSecond) / 1000) {
        const number = from + sentAt.length
        sentAt.push(performance.now())
        stage.send(number, number + 1)
      }
    }, 1)
    const patience = setTimeout(finish, ((to - from) / perSecond) * 1000 + 10_000)
  })
}

/** Opens sessions of an honest device, one after the other. @returns ends that, and gives how long each took */
function openAgain(url: string): () => Promise<FloodFigure['open']> {
  const state = { isOver: false }
  const waits: number[] = []
  let failed = 0
  const opening = (async () => {
    const vera = await createDevice(await createOrg())
    while (!state.isOver) {
      const start = performance.now()
      try {
        const client = await RelayClient.connect(url, vera)
        waits.push(performance.now() - start)
        await client.close()
      } catch {
        failed++
      }
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
  })()
  return async () => {
    state.isOver = true
    await opening
    return { p50: at(waits, 0.5), max: at(waits, 1), failed }
  }
}

function at(figures: readonly number[], share: number): number {
  const sorted = figures.toSorted((a, b) => a - b)
  return Number((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN).toPrecision(3))
}

/** The figures as lines to read. */
export function floodTable(figures: readonly FloodFigure[]): string {
  const rows = [
    [
      'flood',
      'sockets',
      'p50 ms',
      'p99 ms',
      'max ms',
      'pass',
      'loop p99',
      'own max',
      'acknowledged',
      'open p50',
      'open max',
      'failed',
      'connections',
      'sent',
      'MB',
    ],
    ...figures.map(({ flood, sockets, p50, p99, max, pass, loopDelay: { p99: loop }, ownDelay, open, acknowledged, tallies }) => {
      const sum = (of: (tally: Tally) => number): number => Object.values(tallies).reduce((total, tally) => total + of(tally), 0)
      const all = [sum(({ connections }) => connections), sum(({ sent }) => sent), Math.round(sum(({ bytes }) => bytes) / 1e6)]
      return [
        flood,
        sockets,
        p50,
        p99,
        max,
        pass ? 'yes' : 'no',
        loop,
        ownDelay,
        acknowledged,
        open.p50,
        open.max,
        open.failed,
        ...all,
      ].map(String)
    }),
  ]
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? []
  return rows.map((row) => `${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}\n`).join('')
}
