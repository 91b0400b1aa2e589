import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ConnectionView, Engine } from '@entente/engine'
import { type BrowserContext, type CDPSession, chromium, type Page } from 'playwright'
import { RelayProcess } from '../node/relay-process.js'
import { buildPages } from '../pages/chromium.js'
import { median } from './measure.js'

// The workspace as it is built, served by a relay and opened in Chromium: how soon a long list shows, what opening it blocks, and how it scrolls.

/** What the page's own watcher notes. */
interface Noted {
  /** Milliseconds since the navigation began. */
  firstRow: number | undefined
}

/** A task of the page's main thread, in milliseconds: by the clock, and of the processor. A machine that does much else stretches the first. */
interface Task {
  readonly ms: number
  readonly cpu: number
}

declare global {
  interface Window {
    noted?: Noted
  }
}

export interface Opened {
  readonly firstPaint: number
  readonly firstRow: number
  /** The processor time of all of the page's tasks. */
  readonly cpu: number
  /** The tasks of over 50 ms by the clock. */
  readonly long: readonly Task[]
}

export interface ListsReport {
  readonly small: { readonly records: number; readonly opened: readonly Opened[]; readonly firstPaint: number; readonly firstRow: number }
  readonly large: {
    readonly records: number
    readonly shared: number
    readonly opened: readonly Opened[]
    /** Runs in which no task took over 50 ms. */
    readonly calm: Task
    readonly longest: Task
    readonly firstRow: number
  }
  /** First paint of the front page, which has no script: what the browser and the machine take by themselves. */
  readonly barePaint: number
  /** Milliseconds from one drawn frame to the next while the list scrolls by a few rows in each. */
  readonly scroll: {
    readonly p50: number
    readonly p95: number
    /** The same while nothing scrolls. */
    readonly idleP95: number
    /** Processor time of the page's main thread for each frame. */
    readonly cpu: number
  }
}

export async function benchLists(options: {
  readonly rounds: number
  readonly small: number
  readonly large: number
  readonly profile?: string
}): Promise<ListsReport> {
  const { rounds, small, large } = options
  const directory = await mkdtemp(join(tmpdir(), 'entente-lists-'))
  const relay = new RelayProcess(join(directory, 'relay'))
  let context: BrowserContext | undefined
  try {
    const web = join(directory, 'web')
    await quietly(() => buildPages(web))
    await relay.start(['--web', web])
    context = await chromium.launchPersistentContext(join(directory, 'profile'), {
      executablePath: process.env['CHROMIUM_BIN'] ?? execFileSync('sh', ['-c', 'command -v chromium'], { encoding: 'utf8' }).trim(),
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-sync'],
      viewport: { width: 1280, height: 850 },
      locale: 'en-GB',
      timezoneId: 'UTC',
    })
    const at = (org: string): string => `${relay.origin}/workspace.html?org=${org}`
    await fill(context, at('small'), small)
    await fill(context, at('large'), large)
    await share(context, at('large'), at('partner'), large / 2)
    const smallOpened: Opened[] = []
    const largeOpened: Opened[] = []
    const bare: number[] = []
    for (let round = 0; round < rounds; round++) {
      bare.push((await open(context, `${relay.origin}/`, 500)).firstPaint)
      smallOpened.push(
        await open(context, at('small'), 4_000, round === 0 && options.profile !== undefined ? `${options.profile}-small` : undefined),
      )
      largeOpened.push(await open(context, at('large'), 8_000, round === 0 ? options.profile : undefined))
    }
    const longest = (by: 'ms' | 'cpu'): readonly number[] => largeOpened.map(({ long }) => Math.max(0, ...long.map((task) => task[by])))
    const calm = (by: 'ms' | 'cpu'): number => longest(by).filter((ms) => ms <= 50).length
    return {
      small: {
        records: small,
        opened: smallOpened,
        firstPaint: median(smallOpened.map(({ firstPaint }) => firstPaint)),
        firstRow: median(smallOpened.map(({ firstRow }) => firstRow)),
      },
      large: {
        records: large,
        shared: large / 2,
        opened: largeOpened,
        calm: { ms: calm('ms'), cpu: calm('cpu') },
        longest: { ms: Math.max(...longest('ms')), cpu: Math.max(...longest('cpu')) },
        firstRow: median(largeOpened.map(({ firstRow }) => firstRow)),
      },
      barePaint: median(bare),
      scroll: await scroll(context, at('small'), options.profile),
    }
  } finally {
    await context?.close()
    await relay.kill()
    await rm(directory, { recursive: true, force: true })
  }
}

/** The build writes to the standard output, which is for the figures. */
async function quietly(run: () => Promise<void>): Promise<void> {
  const { log, info } = console
  const silent = (): void => undefined
  Object.assign(console, { log: silent, info: silent })
  try {
    await run()
  } finally {
    Object.assign(console, { log, info })
  }
}

/** Makes an org with so many opportunities. */
async function fill(context: BrowserContext, address: string, count: number): Promise<void> {
  const page = await create(context, address, 'Alder Devices', 'Vera')
  await inEngine(
    page,
    async (engine, rows) => {
      const stages = ['Prospecting', 'Qualification', 'Negotiation/Review', 'Closed Won']
      const values = (index: number): Record<string, unknown> => ({
        Name: `Router refresh ${index}`,
        AccountName: `Account ${index % 900}`,
        StageName: stages[index % 4],
        Amount: { amount: `${1000 + index}.00`, currency: 'EUR' },
        CloseDate: `2027-0${1 + (index % 9)}-1${index % 10}`,
        NextStep: `Call ${index}`,
        Type: index % 2 === 0 ? 'New Customer' : 'Existing Customer - Upgrade',
        LeadSource: 'Web',
        OwnerName: `Owner ${index % 20}`,
        Description: `Notes on opportunity ${index}, as long as people write them after a first call.`,
        IsPrivate: index % 2 === 1,
      })
      const list = Array.from({ length: rows }, (_, index) => values(index))
      await engine.records.createMany('Opportunity', list)
    },
    count,
  )
  await page.close()
}

async function create(context: BrowserContext, address: string, company: string, name: string): Promise<Page> {
  const page = await context.newPage()
  await page.goto(address)
  await page.getByRole('textbox', { name: 'Company' }).fill(company)
  await page.getByRole('textbox', { name: 'Your name' }).fill(name)
  await page.getByRole('button', { name: 'Create' }).click()
  await page.getByText('Online', { exact: true }).waitFor()
  return page
}

/** Calls a function in the page, with the engine of the org that is open there. It sees nothing of this file. */
function inEngine<Argument, Result>(
  page: Page,
  run: (engine: Engine, argument: Argument) => Result | Promise<Result>,
  argument: Argument,
): Promise<Result> {
  return page.evaluate<Result>(`(${run.toString()})(document.querySelector('workspace-app').engine, ${JSON.stringify(argument)})`)
}

async function until<Argument>(page: Page, run: (engine: Engine, argument: Argument) => boolean, argument: Argument): Promise<void> {
  while (!(await inEngine(page, run, argument))) await page.waitForTimeout(250)
}

/** Connects the org with a partner, and shares half of its records by a rule. */
async function share(context: BrowserContext, address: string, partnerAddress: string, expected: number): Promise<void> {
  const partner = await create(context, partnerAddress, 'Tessaly & Brook', 'Paul')
  const vendor = await context.newPage()
  await vendor.goto(address)
  await vendor.getByText('Online', { exact: true }).waitFor()
  const both = [vendor, partner]
  const link = await inEngine(vendor, async (engine, base) => (await engine.connections.invite(base)).invitation?.link ?? '', address)
  await inEngine(partner, async (engine, invitation) => void (await engine.connections.accept(invitation)), link)
  for (const page of both) await until(page, (engine) => engine.connections.list().some(({ code }) => code !== undefined), null)
  const id = (await inEngine(vendor, (engine) => engine.connections.list()[0]?.id, null)) ?? ('' as ConnectionView['id'])
  for (const page of both) await inEngine(page, (engine, connection) => engine.connections.compareCodes(connection, true), id)
  for (const page of both) await until(page, (engine, connection) => engine.connections.get(connection)?.state === 'Enabled', id)
  await inEngine(
    vendor,
    (engine, connection) => {
      const names = ['Name', 'StageName', 'Amount', 'CloseDate', 'NextStep']
      const fields = engine.records.schema('Opportunity').fields.filter(({ name }) => names.includes(name))
      return engine.agreements.propose(connection, {
        objects: { Opportunity: { fields: fields.map((field) => ({ field, update: field.name !== 'Amount' })) } },
      })
    },
    id,
  )
  await until(partner, (engine, connection) => engine.agreements.get(connection)?.proposal !== undefined, id)
  await inEngine(
    partner,
    (engine, connection) => {
      const fields = engine.agreements.suggest(connection, 'Opportunity')
      return engine.agreements.accept(connection, { objects: { Opportunity: { fields } } })
    },
    id,
  )
  await until(vendor, (engine, connection) => engine.agreements.get(connection)?.effective !== undefined, id)
  await inEngine(
    vendor,
    (engine, connection) => {
      const shared = { field: 'IsPrivate', operator: 'equals', value: false } as const
      return engine.sharing.setRule(connection, 'Opportunity', { match: 'all', conditions: [shared], added: [], hidden: [] })
    },
    id,
  )
  await until(partner, (engine, { connection, count }) => engine.site.listings(connection, 'Opportunity').total >= count, {
    connection: id,
    count: expected,
  })
  await until(vendor, (engine) => engine.sync.status().waiting === 0, null)
  await partner.close()
  await vendor.close()
}

/** Opens the workspace as a new tab does, and notes what happens until it is quiet again. */
async function open(context: BrowserContext, address: string, quietMs: number, profile?: string): Promise<Opened> {
  const page = await context.newPage()
  await page.addInitScript(watchPage)
  const debug = await context.newCDPSession(page)
  if (profile !== undefined) {
    await debug.send('Profiler.enable')
    await debug.send('Profiler.start')
  }
  const stop = await startTrace(debug)
  await page.goto(address)
  // Without questions from here: each would be a task of the page.
  await page.waitForTimeout(quietMs)
  const tasks = await stop()
  if (profile !== undefined) await writeProfile(`${profile}-open.cpuprofile`, (await debug.send('Profiler.stop')).profile)
  const result = await page.evaluate(() => {
    const paint = performance.getEntriesByName('first-contentful-paint')[0]?.startTime
    return { firstPaint: Math.round(paint ?? -1), firstRow: Math.round(window.noted?.firstRow ?? -1) }
  })
  await page.close()
  const cpu = tasks.reduce((sum, task) => sum + task.cpu, 0)
  return { ...result, cpu: Math.round(cpu), long: tasks.filter(({ ms }) => ms > 50) }
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
async function startTrace(debug: CDPSession): Promise<() => Promise<readonly Task[]>> {
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

const tenth = (ms: number): number => Math.round(ms * 10) / 10
const sumOf = (tasks: readonly TraceEvent[]): number => tasks.reduce((sum, { dur = 0 }) => sum + dur, 0)

/** Runs in the page before anything else. */
function watchPage(): void {
  const noted: Noted = { firstRow: undefined }
  window.noted = noted
  const look = (): void => {
    const into = (root: ParentNode | null | undefined, tag: string) => root?.querySelector(tag)?.shadowRoot
    const list = into(into(into(document, 'workspace-app'), 'org-desk'), 'entente-records')
    if (list?.querySelector('.body .line')) noted.firstRow = performance.now()
    else requestAnimationFrame(look)
  }
  requestAnimationFrame(look)
}

/** Scrolls by five rows a frame, and then draws as many frames without scrolling. */
async function scroll(context: BrowserContext, address: string, profile?: string): Promise<ListsReport['scroll']> {
  const page = await context.newPage()
  await page.goto(address)
  await page.getByRole('row').nth(5).waitFor()
  await page.waitForTimeout(2_000)
  const debug = await context.newCDPSession(page)
  if (profile !== undefined) {
    await debug.send('Profiler.enable')
    await debug.send('Profiler.start')
  }
  const stop = await startTrace(debug)
  const scrolled = await page.evaluate(scrollFrames, { frames: 200, by: 200 })
  const cpu = (await stop()).reduce((sum, task) => sum + task.cpu, 0)
  if (profile !== undefined) await writeProfile(`${profile}-scroll.cpuprofile`, (await debug.send('Profiler.stop')).profile)
  const idle = await page.evaluate(scrollFrames, { frames: 200, by: 0 })
  await page.close()
  return {
    p50: Math.round(percentile(scrolled, 0.5)),
    p95: Math.round(percentile(scrolled, 0.95)),
    idleP95: Math.round(percentile(idle, 0.95)),
    cpu: tenth(cpu / scrolled.length),
  }
}

/** Runs in the page: scrolls the list by so many pixels a frame. Gives how long each frame took. */
async function scrollFrames({ frames, by }: { readonly frames: number; readonly by: number }): Promise<number[]> {
  const into = (root: ParentNode | null | undefined, tag: string) => root?.querySelector(tag)?.shadowRoot
  const grid = into(into(into(document, 'workspace-app'), 'org-desk'), 'entente-records')?.querySelector('.grid')
  const times: number[] = []
  let last = await new Promise<number>((resolve) => requestAnimationFrame(resolve))
  for (let frame = 0; frame < frames; frame++) {
    grid?.scrollBy(0, by)
    const now = await new Promise<number>((resolve) => requestAnimationFrame(resolve))
    times.push(now - last)
    last = now
  }
  return times
}

function percentile(figures: readonly number[], part: number): number {
  return figures.toSorted((a, b) => a - b)[Math.floor(figures.length * part)] ?? Number.NaN
}

async function writeProfile(path: string, profile: unknown): Promise<void> {
  await writeFile(path, JSON.stringify(profile))
}
