import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright'
import { RelayProcess } from '../node/relay-process.js'
import { buildPages, launchChromium } from '../pages/chromium.js'

// A person imports a file in the workspace as it is built, served by a relay and opened in Chromium: how long it takes, and which tasks block the page meanwhile.

export interface ImportRun {
  /** Milliseconds from the choice of the file to its columns, from there to the report, and from there to the last row written. */
  readonly readMs: number
  readonly checkMs: number
  readonly writeMs: number
  /** The tasks of over 50 ms, in milliseconds, by the step in which each began. */
  readonly long: readonly { readonly step: string; readonly ms: number }[]
}

export interface ImportsReport {
  readonly rows: number
  readonly runs: readonly ImportRun[]
  /** Runs in which no task took over 50 ms. */
  readonly calm: number
  readonly longest: number
}

/** What the page's own watcher notes. */
interface Noted {
  readonly tasks: { readonly at: number; readonly ms: number }[]
}

export async function benchImports(options: {
  readonly rounds: number
  readonly rows: number
  readonly profile?: string
}): Promise<ImportsReport> {
  const directory = await mkdtemp(join(tmpdir(), 'entente-imports-'))
  const relay = new RelayProcess(join(directory, 'relay'))
  const browser = await launchChromium()
  try {
    const web = join(directory, 'web')
    await buildPages(web)
    await relay.start(['--web', web])
    // From the disk: what the test's driver hands over as bytes, its own script unpacks in the page.
    const file = join(directory, 'deals.csv')
    await writeFile(file, dealsCsv(options.rows))
    const runs: ImportRun[] = []
    for (let round = 0; round < options.rounds; round++) {
      const context = await browser.newContext({ viewport: { width: 1280, height: 850 }, locale: 'en-GB', timezoneId: 'UTC' })
      const page = await context.newPage()
      const patience = { timeout: 60_000 }
      await page.goto(`${relay.origin}/workspace.html`)
      await page.getByRole('textbox', { name: 'Company' }).fill('Alder Devices')
      await page.getByRole('textbox', { name: 'Your name' }).fill('Vera')
      await page.getByRole('button', { name: 'Create' }).click()
      await page.getByText('Online', { exact: true }).waitFor(patience)
      await page.getByRole('button', { name: 'Import', exact: true }).click()
      const now = (): Promise<number> => page.evaluate(() => performance.now())
      const tasks = await page.evaluateHandle((): Noted => {
        const noted: Noted = { tasks: [] }
        const note = (list: PerformanceObserverEntryList): void => {
          for (const { startTime, duration } of list.getEntries()) noted.tasks.push({ at: startTime, ms: duration })
        }
        new PerformanceObserver(note).observe({ type: 'longtask' })
        return noted
      })
      const stopProfile =
        round === 0 && options.profile !== undefined ? await startProfile(page, `${options.profile}-import.cpuprofile`) : undefined
      const start = await now()
      await page.locator('entente-import input[type=file]').setInputFiles(file)
      const check = page.getByRole('button', { name: /^Check [\d,]+ rows$/ })
      await check.waitFor(patience)
      const read = await now()
      await check.click()
      const write = page.getByRole('button', { name: /^Import [\d,]+$/ })
      await write.waitFor(patience)
      const checked = await now()
      await write.click()
      await page.getByText(/opportunities imported/).waitFor(patience)
      const written = await now()
      // What the import sets off, such as the list behind the dialog, is its own too.
      await page.waitForTimeout(1_000)
      await stopProfile?.()
      const found = await tasks.evaluate((noted) => noted.tasks)
      const stepAt = (at: number): string => (at < read ? 'read' : at < checked ? 'check' : at < written ? 'write' : 'after')
      runs.push({
        readMs: Math.round(read - start),
        checkMs: Math.round(checked - read),
        writeMs: Math.round(written - checked),
        long: found.map(({ at, ms }) => ({ step: stepAt(at), ms: Math.round(ms) })),
      })
      await context.close()
    }
    const longest = runs.flatMap(({ long }) => long.map(({ ms }) => ms))
    return { rows: options.rows, runs, calm: runs.filter(({ long }) => long.length === 0).length, longest: Math.max(0, ...longest) }
  } finally {
    await browser.close()
    await relay.kill()
    await rm(directory, { recursive: true, force: true })
  }
}

/** Begins a profile of the page by Chromium. @returns a function that ends it and writes it to a file */
async function startProfile(page: Page, path: string): Promise<() => Promise<void>> {
  const debug = await page.context().newCDPSession(page)
  await debug.send('Profiler.enable')
  await debug.send('Profiler.start')
  return async () => writeFile(path, JSON.stringify((await debug.send('Profiler.stop')).profile))
}

const stages = ['Prospecting', 'Qualification', 'Needs Analysis', 'Closed Won', 'Closed Lost']

/** A file as people have them: names, picklists, dates, amounts, and columns of no known field. */
function dealsCsv(rows: number): string {
  const lines = Array.from({ length: rows }, (_, index) =>
    [
      `Deal ${index}`,
      `Customer ${index % 700}`,
      stages[index % stages.length],
      `2027-${String((index % 12) + 1).padStart(2, '0')}-${String((index % 28) + 1).padStart(2, '0')}`,
      `"${(index * 37) % 900},${String(index % 1_000).padStart(3, '0')}.50"`,
      index % 3 === 0 ? 'USD' : 'EUR',
      index % 5 === 0 ? '--None--' : `Call on day ${index % 30}`,
      `Owner ${index % 35}`,
      index % 2 === 0 ? 'North' : 'South',
      `${(index % 900) / 10}%`,
    ].join(','),
  )
  return `Opportunity Name,Account Name,Stage,Close Date,Amount,Currency,Next Step,Owner,Region,Margin\r\n${lines.join('\r\n')}\r\n`
}
