import type { CDPSession } from 'playwright'

/** A task of the page's main thread, in milliseconds: by the clock, and of the processor. A machine that does much else stretches the first. */
export interface Task {
  readonly ms: number
  readonly cpu: number
}

interface TraceEvent {
  readonly name: string
  readonly pid: number
  readonly tid: number
  readonly dur?: number
  readonly tdur?: number
  readonly args: { readonly name?: string }
}

/** Begins to note the tasks of the page's main thread. @returns a function that ends it and gives them */
export async function startTrace(debug: CDPSession): Promise<() => Promise<readonly Task[]>> {
  const events: TraceEvent[] = []
  debug.on('Tracing.dataCollected', ({ value }) => void events.push(...(value as unknown as TraceEvent[])))
  const includedCategories = ['__metadata', 'toplevel', 'disabled-by-default-devtools.timeline']
  await debug.send('Tracing.start', { transferMode: 'ReportEvents', traceConfig: { includedCategories } })
  return async () => {
    const ended = new Promise<void>((resolve) => debug.once('Tracing.tracingComplete', () => resolve()))
    await debug.send('Tracing.end')
    await ended
    const threads = events.filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain')
    // The browser keeps other pages ready; the one that works is the one that was opened.
    const [tasks = []] = threads
      .map(({ pid, tid }) => events.filter((event) => event.name === 'RunTask' && event.pid === pid && event.tid === tid))
      .toSorted((a, b) => sumOf(b) - sumOf(a))
    return tasks.map(({ dur = 0, tdur = 0 }) => ({ ms: tenth(dur / 1000), cpu: tenth(tdur / 1000) }))
  }
}

export const tenth = (ms: number): number => Math.round(ms * 10) / 10
const sumOf = (tasks: readonly TraceEvent[]): number => tasks.reduce((sum, { dur = 0 }) => sum + dur, 0)
