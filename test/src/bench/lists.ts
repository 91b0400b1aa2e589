import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BrowserContext } from 'playwright'
import { RelayProcess } from '../node/relay-process.js'
import { buildPages } from '../pages/chromium.js'
import { median } from './measure.js'
import { connectAndShare, createOrg, makeOpportunities, openChromium, quietly } from './org-pages.js'
import { startTrace, type Task, tenth } from './trace.js'

// The workspace as it is built, served by a relay and opened in Chromium: how soon a long list shows, what opening it blocks, and how it scrolls.

/** What the page's own watcher notes. */
interface Noted {
  /** Milliseconds since the navigation began: until a row was in sight, and until the list of all rows was. */
  firstRow: number | undefined
  list: number | undefined
}

declare global {
  interface Window {
    noted?: Noted
  }
}

export interface Opened {
  readonly firstPaint: number
  /** Until the first row was in sight: of the list as it was kept, or of the whole one. */
  readonly firstRow: number
  /** Until the list of all rows stood there, and could be used. */
  readonly list: number
  /** The processor time of all of the page's tasks. */
  readonly cpu: number
  /** The tasks of over 50 ms by the clock. */
  readonly long: readonly Task[]
}

export interface ListsReport {
  readonly small: {
    readonly records: number
    readonly opened: readonly Opened[]
    readonly firstPaint: number
    readonly firstRow: number
    readonly list: number
  }
  readonly large: {
    readonly records: number
    readonly shared: number
    readonly opened: readonly Opened[]
    /** Runs in which no task took over 50 ms. */
    readonly calm: Task
    readonly longest: Task
    readonly firstRow: number
    readonly list: number
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
    context = await openChromium(join(directory, 'profile'))
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
        list: median(smallOpened.map(({ list }) => list)),
      },
      large: {
        records: large,
        shared: large / 2,
        opened: largeOpened,
        calm: { ms: calm('ms'), cpu: calm('cpu') },
        longest: { ms: Math.max(...longest('ms')), cpu: Math.max(...longest('cpu')) },
        firstRow: median(largeOpened.map(({ firstRow }) => firstRow)),
        list: median(largeOpened.map(({ list }) => list)),
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

/** Makes an org with so many opportunities. */
async function fill(context: BrowserContext, address: string, count: number): Promise<void> {
  const page = await createOrg(context, address, 'Alder Devices', 'Vera')
  await makeOpportunities(page, count)
  await page.close()
}

/** Connects the org with a partner, and shares half of its records. */
async function share(context: BrowserContext, address: string, partnerAddress: string, expected: number): Promise<void> {
  const partner = await createOrg(context, partnerAddress, 'Tessaly & Brook', 'Paul')
  const vendor = await context.newPage()
  await vendor.goto(address)
  await vendor.getByText('Online', { exact: true }).waitFor()
  await connectAndShare(vendor, partner, expected)
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
    return {
      firstPaint: Math.round(paint ?? -1),
      firstRow: Math.round(window.noted?.firstRow ?? -1),
      list: Math.round(window.noted?.list ?? -1),
    }
  })
  await page.close()
  const cpu = tasks.reduce((sum, task) => sum + task.cpu, 0)
  return { ...result, cpu: Math.round(cpu), long: tasks.filter(({ ms }) => ms > 50) }
}

/** Runs in the page before anything else. */
function watchPage(): void {
  const noted: Noted = { firstRow: undefined, list: undefined }
  window.noted = noted
  const look = (): void => {
    const into = (root: ParentNode | null | undefined, tag: string) => root?.querySelector(tag)?.shadowRoot
    const hasRows = (place: string): boolean =>
      Boolean(into(into(into(document, 'workspace-app'), place), 'entente-records')?.querySelector('.body .line'))
    if (hasRows('last-list')) noted.firstRow ??= performance.now()
    if (!hasRows('org-desk')) return void requestAnimationFrame(look)
    noted.list = performance.now()
    noted.firstRow ??= noted.list
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
