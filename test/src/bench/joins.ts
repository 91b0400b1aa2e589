import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BrowserContext, Page } from 'playwright'
import { RelayProcess } from '../node/relay-process.js'
import { buildPages } from '../pages/chromium.js'
import { median } from './measure.js'
import { createOrg, inEngine, makeOpportunities, openChromium, quietly } from './org-pages.js'
import { startTrace, type Task, tenth } from './trace.js'

// A colleague's browser joins an org that has many records: the workspace as it is built, served by a relay, in a Chromium of its own with its store on the disk.
// Beside it, in the same browser, what a page needs to download as many bytes and put them into its store.

/** What the page's own watcher notes, in milliseconds since the navigation began. */
interface Noted {
  /** The store holds the org. */
  joined: number | undefined
  /** The list is there, with its buttons. */
  firstScreen: number | undefined
  firstRow: number | undefined
  /** What the page said beside the line, each text once. */
  readonly told: string[]
}

declare global {
  interface Window {
    joinNoted?: Noted
  }
}

export interface JoinRun {
  /** Milliseconds from the org in the store to the list, to its first row, and to all rows in the store. */
  readonly firstScreenMs: number
  readonly firstRowMs: number
  readonly allMs: number
  readonly bytes: number
  /** Milliseconds for downloading as many bytes, and for putting them into a store, a piece for each record. */
  readonly bareMs: number
  readonly ratio: number
  /** How many numbers the page showed of how far it was. */
  readonly progress: number
  /** The processor time of all of the page's tasks from the comparison of the codes on. */
  readonly cpu: number
  /** The tasks of over 50 ms by the clock. */
  readonly long: readonly Task[]
}

export interface JoinsReport {
  readonly records: number
  readonly runs: readonly JoinRun[]
  readonly firstScreenMs: number
  readonly ratio: number
  /** Runs in which no task took over 50 ms. */
  readonly calm: Task
  readonly longest: Task
}

export async function benchJoins(options: {
  readonly rounds: number
  readonly records: number
  readonly profile?: string
}): Promise<JoinsReport> {
  const { rounds, records, profile } = options
  const directory = await mkdtemp(join(tmpdir(), 'entente-joins-'))
  const relay = new RelayProcess(join(directory, 'relay'))
  const contexts: BrowserContext[] = []
  try {
    const web = join(directory, 'web')
    await quietly(() => buildPages(web))
    await relay.start(['--web', web])
    const vera = await openChromium(join(directory, 'profile'))
    contexts.push(vera)
    const admin = await createOrg(vera, `${relay.origin}/workspace.html`, 'Alder Devices', 'Vera')
    await makeOpportunities(admin, records)
    await inEngine(admin, (engine) => engine.sync.settled(240_000), null)
    const runs: JoinRun[] = []
    for (let round = 0; round < rounds; round++) {
      const mia = await openChromium(join(directory, `profile ${round}`))
      contexts.push(mia)
      runs.push(await joinOnce(admin, mia, records, round === 0 ? profile : undefined))
      await mia.close()
    }
    const longest = (by: 'ms' | 'cpu'): readonly number[] => runs.map(({ long }) => Math.max(0, ...long.map((task) => task[by])))
    const calm = (by: 'ms' | 'cpu'): number => longest(by).filter((ms) => ms <= 50).length
    return {
      records,
      runs,
      firstScreenMs: median(runs.map(({ firstScreenMs }) => firstScreenMs)),
      ratio: median(runs.map(({ ratio }) => ratio)),
      calm: { ms: calm('ms'), cpu: calm('cpu') },
      longest: { ms: Math.max(...longest('ms')), cpu: Math.max(...longest('cpu')) },
    }
  } finally {
    for (const context of contexts) await context.close()
    await relay.kill()
    await rm(directory, { recursive: true, force: true })
  }
}

async function joinOnce(admin: Page, context: BrowserContext, records: number, profile?: string): Promise<JoinRun> {
  const base = admin.url().split('#')[0] ?? ''
  const link = await inEngine(
    admin,
    async (engine, address) => (await engine.devices.invite({ base: address, person: { name: 'Mia' }, role: 'member' })).link ?? '',
    base,
  )
  const page = await context.newPage()
  await page.addInitScript(watchJoining)
  await page.goto(link)
  await page.getByRole('status', { name: 'Code to compare' }).waitFor()
  const debug = await context.newCDPSession(page)
  if (profile !== undefined) {
    await debug.send('Profiler.enable')
    await debug.send('Profiler.start')
  }
  const stop = await startTrace(debug)
  await inEngine(
    admin,
    async (engine) => {
      for (const { id, state } of engine.devices.invitations()) if (state === 'compare') await engine.devices.confirm(id, true)
    },
    null,
  )
  await page.waitForFunction(() => window.joinNoted?.firstRow !== undefined, null, { timeout: 60_000 })
  const [end, bytes, found] = await inEngine(
    page,
    async (engine, most) => {
      await engine.sync.settled(120_000)
      const ended = performance.now()
      return [ended, engine.sync.status().bytesIn, engine.records.ids('Opportunity').total === most] as const
    },
    records,
  )
  if (!found) throw new Error('Not all records have come.')
  const tasks = await stop()
  if (profile !== undefined) await writeFile(`${profile}-join.cpuprofile`, JSON.stringify((await debug.send('Profiler.stop')).profile))
  const noted = await page.evaluate(() => window.joinNoted)
  await page.close()
  const joined = noted?.joined ?? Number.NaN
  const bareMs = await bare(context, bytes, records)
  return {
    firstScreenMs: Math.round((noted?.firstScreen ?? Number.NaN) - joined),
    firstRowMs: Math.round((noted?.firstRow ?? Number.NaN) - joined),
    allMs: Math.round(end - joined),
    bytes,
    bareMs: Math.round(bareMs),
    ratio: tenth((end - joined) / bareMs),
    progress: (noted?.told ?? []).filter((text) => /\d/.test(text)).length,
    cpu: Math.round(tasks.reduce((sum, { cpu }) => sum + cpu, 0)),
    long: tasks.filter(({ ms }) => ms > 50),
  }
}

/** Runs in the page before anything else. */
function watchJoining(): void {
  const noted: Noted = { joined: undefined, firstScreen: undefined, firstRow: undefined, told: [] }
  window.joinNoted = noted
  let seen = false
  const look = (): void => {
    const into = (root: ParentNode | null | undefined, tag: string) => root?.querySelector(tag)?.shadowRoot
    const app = into(document, 'workspace-app')
    const joining = app?.querySelector('join-org')
    if (joining && !seen) {
      seen = true
      joining.addEventListener('joined', () => (noted.joined = performance.now()))
    }
    const desk = into(app, 'org-desk')
    const list = into(desk, 'entente-records')
    if (list?.querySelector('button, [role=grid], .empty')) noted.firstScreen ??= performance.now()
    if (list?.querySelector('.body .line')) noted.firstRow ??= performance.now()
    const told = into(app, 'entente-status')?.querySelector('.changes')?.textContent.trim()
    if (told && !noted.told.includes(told)) noted.told.push(told)
    // Each look is a task of the page.
    if (noted.firstRow === undefined) requestAnimationFrame(look)
    else setTimeout(look, 500)
  }
  requestAnimationFrame(look)
}

/** How long a page takes to download so many bytes, and to put them into a store of its own in as many pieces as there are records. */
async function bare(context: BrowserContext, bytes: number, pieces: number): Promise<number> {
  const body = Buffer.alloc(bytes, 7)
  const server = createServer((request, response) => {
    response.setHeader('content-type', request.url === '/bytes' ? 'application/octet-stream' : 'text/html')
    response.end(request.url === '/bytes' ? body : '<!doctype html><title>Bare</title>')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const page = await context.newPage()
  try {
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
    return await page.evaluate(downloadAndSet, pieces)
  } finally {
    await page.close()
    server.close()
  }
}

/** Runs in the page: 500 pieces a transaction, as an import sets them. */
async function downloadAndSet(pieces: number): Promise<number> {
  const opening = indexedDB.open('bare', 1)
  opening.onupgradeneeded = () => opening.result.createObjectStore('bare')
  await new Promise((resolve) => (opening.onsuccess = resolve))
  const start = performance.now()
  const all = new Uint8Array(await (await fetch('/bytes')).arrayBuffer())
  const size = Math.floor(all.length / pieces)
  for (let first = 0; first < pieces; first += 500) {
    const transaction = opening.result.transaction('bare', 'readwrite')
    const store = transaction.objectStore('bare')
    for (let at = first; at < Math.min(first + 500, pieces); at++) store.put(all.slice(at * size, (at + 1) * size), `record ${at}`)
    await new Promise((resolve) => (transaction.oncomplete = resolve))
  }
  return performance.now() - start
}
