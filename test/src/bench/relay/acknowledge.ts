import { WebSocket } from 'ws'
import { inTurn, median } from '../measure.js'
import { against } from './figure.js'
import { createHistories } from './payload.js'
import type { Measurement, Options } from './report.js'
import { ServerProcess } from './server-process.js'
import { type Stage, stageRelay } from './stage.js'

const docs = 1_000
const perSecond = 300
/** One server's turn, in updates; short, so that whatever else the machine does meets both. */
const turnUpdates = 300
const turnsPerRound = 5

/** How long an acknowledgement takes at a steady pace that leaves the disk idle in between, beside the least that it can cost. */
export async function benchAcknowledge({ rounds, quick, startRelay }: Options): Promise<Omit<Measurement, 'name'>> {
  const turns = quick ? 2 : turnsPerRound
  const histories = createHistories(docs, 1 + Math.ceil(((rounds + 1) * turns * turnUpdates) / docs))
  const payload = histories[0]?.updates[0] ?? new Uint8Array(138)
  const relay = await startRelay()
  const echo = await ServerProcess.peer('echo-fsync')
  const stages = { ours: await stageRelay(relay, histories, 0), echo: await stageEcho(echo, payload) }
  try {
    const sent = { ours: 0, echo: 0 }
    const turn = (name: keyof typeof stages) => async (): Promise<readonly number[]> => {
      const from = sent[name]
      sent[name] += turnUpdates
      return pace(stages[name], from, sent[name])
    }
    const contestants = { ours: turn('ours'), echo: turn('echo') }
    // The first round warms both up and does not count.
    const all = await inTurn((rounds + 1) * turns, contestants)
    const round = (name: keyof typeof all, index: number): readonly number[] =>
      all[name].slice((index + 1) * turns, (index + 2) * turns).flat()
    const percentile = (name: keyof typeof all, share: number): number =>
      median(Array.from({ length: rounds }, (_, index) => at(round(name, index), share)))
    return {
      figures: [
        against(
          { name: 'acknowledge at 300 updates/s, p50', unit: 'ms', ours: percentile('ours', 0.5) },
          'ws echo + fdatasync',
          percentile('echo', 0.5),
          { atMost: 2 },
        ),
        against(
          { name: 'acknowledge at 300 updates/s, p99', unit: 'ms', ours: percentile('ours', 0.99) },
          'ws echo + fdatasync',
          percentile('echo', 0.99),
          { atMost: 3 },
        ),
      ],
      details: Array.from({ length: rounds }, (_, index) => ({
        ours: summary(round('ours', index)),
        echo: summary(round('echo', index)),
      })),
    }
  } finally {
    stages.ours.close()
    stages.echo.close()
    await Promise.all([relay.stop(), echo.stop()])
  }
}

/** Sends one update after the other at the pace. @returns how long each waited for its acknowledgement, in ms */
function pace(stage: Stage, from: number, to: number): Promise<readonly number[]> {
  const sentAt: number[] = []
  const waits: number[] = []
  const start = performance.now()
  return new Promise((resolve) => {
    stage.onProgress = () => {
      const now = performance.now()
      for (let done = stage.done(); from + waits.length < done;) waits.push(now - (sentAt[waits.length] ?? now))
      if (from + waits.length < to) return
      stage.onProgress = () => undefined
      resolve(waits)
    }
    const tick = setInterval(() => {
      while (from + sentAt.length < to && sentAt.length <= ((performance.now() - start) * perSecond) / 1000) {
        const number = from + sentAt.length
        sentAt.push(performance.now())
        stage.send(number, number + 1)
      }
      if (from + sentAt.length >= to) clearInterval(tick)
    }, 1)
  })
}

async function stageEcho(server: ServerProcess, payload: Uint8Array): Promise<Stage> {
  const socket = new WebSocket(server.url, { perMessageDeflate: false })
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  let echoed = 0
  const stage: Stage = {
    send: (from, to) => {
      for (let number = from; number < to; number++) socket.send(payload)
    },
    done: () => echoed,
    onProgress: () => undefined,
    close: () => socket.terminate(),
  }
  socket.on('message', () => {
    echoed++
    setImmediate(() => stage.onProgress())
  })
  return stage
}

function at(figures: readonly number[], share: number): number {
  const sorted = figures.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

function summary(figures: readonly number[]): Record<string, number> {
  return { count: figures.length, p50: at(figures, 0.5), p90: at(figures, 0.9), p99: at(figures, 0.99), max: at(figures, 1) }
}
