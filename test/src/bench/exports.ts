import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ConnectionView } from '@entente/engine'
import type { BrowserContext, Page } from 'playwright'
import { RelayProcess } from '../node/relay-process.js'
import { buildPages } from '../pages/chromium.js'
import { watchLongTasks } from './long-tasks.js'
import { connectAndShare, createOrg, inEngine, makeOpportunities, openChromium, opened, quietly, until } from './org-pages.js'

// A person of the partner exports all that the vendor shares, with both sides open in a Chromium of their own, the app as it is built, and a relay: how long that
// takes, how often the person sees it go on, and what blocks either page. Once more with both pages reloaded on the way: nothing comes twice.

export interface ExportRun {
  /** Seconds from the click to the last copy. */
  readonly seconds: number
  /** The longest time in which the job showed nothing new, in milliseconds. */
  readonly silentMs: number
  /** How many tasks of each page took over 50 ms, and the longest of them, or 0. */
  readonly vendor: Blocked
  readonly partner: Blocked
}

interface Blocked {
  readonly longest: number
  readonly over50: number
}

export interface ExportsReport {
  readonly records: number
  readonly runs: readonly ExportRun[]
  /** Runs in which no task of either page took over 50 ms. */
  readonly calm: number
  readonly longest: number
  readonly reloaded: { readonly seconds: number; readonly copies: number; readonly shares: number }
}

/** @param options `profile`: where Chromium's profiles of the first round go */
export async function benchExports(options: {
  readonly rounds: number
  readonly records: number
  readonly profile?: string | undefined
}): Promise<ExportsReport> {
  const { rounds, records, profile } = options
  const runs: ExportRun[] = []
  for (let round = 0; round < rounds; round++)
    runs.push(await inTwoBrowsers(records, (scene) => measured(scene, round === 0 ? profile : undefined)))
  const reloaded = await inTwoBrowsers(records, withReloads)
  const longest = runs.map(({ vendor, partner }) => Math.max(vendor.longest, partner.longest))
  return { records, runs, calm: longest.filter((ms) => ms <= 50).length, longest: Math.max(0, ...longest), reloaded }
}

/** Two orgs that share so many records, each in a browser of its own. */
interface Scene {
  readonly vendor: Page
  readonly partner: Page
  readonly connection: ConnectionView['id']
  readonly records: number
}

async function inTwoBrowsers<Result>(records: number, run: (scene: Scene) => Promise<Result>): Promise<Result> {
  const directory = await mkdtemp(join(tmpdir(), 'entente-exports-'))
  const relay = new RelayProcess(join(directory, 'relay'))
  const contexts: BrowserContext[] = []
  try {
    const web = join(directory, 'web')
    await quietly(() => buildPages(web))
    await relay.start(['--web', web])
    const open = async (profile: string, company: string, name: string): Promise<Page> => {
      const context = await openChromium(join(directory, profile))
      contexts.push(context)
      return createOrg(context, `${relay.origin}/workspace.html`, company, name)
    }
    const vendor = await open('vendor', 'Alder Devices', 'Vera')
    const partner = await open('partner', 'Tessaly & Brook', 'Paul')
    await makeOpportunities(vendor, 2 * records)
    const connection = await connectAndShare(vendor, partner, records)
    await until(vendor, (engine, id) => engine.people.list(id).length > 0, connection)
    await inEngine(
      vendor,
      async (engine, id) => {
        for (const { id: person } of engine.people.list(id)) await engine.people.grant(id, person)
      },
      connection,
    )
    await partner.goto(`${relay.origin}/site.html`)
    await opened(partner)
    await until(partner, (engine, id) => engine.site.obstacle(id) === undefined, connection)
    // The person looks at the list first.
    for (const page of [vendor, partner]) await inEngine(page, (engine) => engine.sync.settled(60_000), null)
    return await run({ vendor, partner, connection, records })
  } finally {
    for (const context of contexts) await context.close()
    await relay.kill()
    await rm(directory, { recursive: true, force: true })
  }
}

async function measured({ vendor, partner, connection }: Scene, profile?: string): Promise<ExportRun> {
  const debugs = await Promise.all([vendor, partner].map((page) => page.context().newCDPSession(page)))
  if (profile !== undefined)
    for (const debug of debugs) {
      await debug.send('Profiler.enable')
      await debug.send('Profiler.start')
    }
  const ends = await Promise.all([vendor, partner].map(watchLongTasks))
  const { seconds, silentMs } = await inEngine(
    partner,
    async (engine, id) => {
      const wanted = engine.site.listings(id, 'Opportunity').listings.map((listing) => listing.id)
      const start = performance.now()
      let [last, shown, silent] = [start, -1, 0]
      const job = await engine.site.export(id, 'Opportunity', wanted)
      await new Promise<void>((resolve) => {
        const look = (): void => {
          const view = engine.site.jobs().find((each) => each.id === job)
          const now = performance.now()
          const done = (view?.exported ?? 0) + (view?.imported ?? 0)
          if (done === shown) return
          silent = Math.max(silent, now - last)
          ;[last, shown] = [now, done]
          if (view?.done === true) resolve()
        }
        engine.watch(look)
        look()
      })
      return { seconds: Math.round(performance.now() - start) / 1_000, silentMs: Math.round(silent) }
    },
    connection,
  )
  await until(vendor, (engine) => engine.sync.status().waiting === 0, null)
  const [ofVendor = blocked([]), ofPartner = blocked([])] = await Promise.all(ends.map(async (end) => blocked(await end())))
  if (profile !== undefined)
    for (const [index, debug] of debugs.entries())
      await writeFile(
        `${profile}-${index === 0 ? 'vendor' : 'partner'}.cpuprofile`,
        JSON.stringify((await debug.send('Profiler.stop')).profile),
      )
  return { seconds, silentMs, vendor: ofVendor, partner: ofPartner }
}

const blocked = (tasks: readonly number[]): Blocked => ({ longest: Math.max(0, ...tasks), over50: tasks.length })

/** Reloads both pages again and again until all is there. */
async function withReloads({ vendor, partner, connection, records }: Scene): Promise<ExportsReport['reloaded']> {
  const start = performance.now()
  await inEngine(
    partner,
    async (engine, id) => {
      const wanted = engine.site.listings(id, 'Opportunity').listings.map((listing) => listing.id)
      await engine.site.export(id, 'Opportunity', wanted)
    },
    connection,
  )
  const isDone = (page: Page): Promise<boolean> => inEngine(page, (engine) => engine.site.jobs().some(({ done }) => done), null)
  for (let round = 0; !(await isDone(partner)); round++) {
    const page = round % 2 === 0 ? partner : vendor
    await page.waitForTimeout(700)
    await page.reload()
    await opened(page)
    // From the tenth on they go on undisturbed.
    if (round >= 10) await until(partner, (engine) => engine.site.jobs().some(({ done }) => done), null)
  }
  // The vendor's page may just have opened again, with the results still to come.
  await until(vendor, (engine, { id, count }) => engine.records.sharedOver('Opportunity', id).length >= count, {
    id: connection,
    count: records,
  })
  const copies = await inEngine(
    partner,
    (engine) => engine.records.list('Opportunity').records.filter(({ imported }) => imported).length,
    null,
  )
  const shares = await inEngine(vendor, (engine, id) => engine.records.sharedOver('Opportunity', id).length, connection)
  if (copies !== records || shares !== records) throw new Error(`${copies} copies and ${shares} shares of ${records} records.`)
  return { seconds: Math.round(performance.now() - start) / 1_000, copies, shares }
}
