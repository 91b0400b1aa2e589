import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import type { Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BrowserContext, Locator, Page } from 'playwright'
import type { Plugin } from 'vite'
import type { Engine } from '@entente/engine'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { BareChromium } from '../node/bare-chromium.js'
import { RelayProcess } from '../node/relay-process.js'
import { buildApp, buildPages, openProfile, screenshots } from './chromium.js'
import { originOf, serveFiles } from './static-host.js'

// Vera works without a network: the built app in Chromium, with a profile that outlives the browser, and a relay that is not there. Screenshots are left in
// test/screenshots.

const patience = { timeout: 20_000 }

let directory = ''
let web = ''
let relay: RelayProcess
let host: Server
let context: BrowserContext
let problems: string[] = []

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'entente-offline-'))
  web = join(directory, 'web')
  await buildPages(web)
  host = await serveFiles(web)
  relay = new RelayProcess(join(directory, 'relay'))
  await startRelay()
  await mkdir(screenshots, { recursive: true })
}, 120_000)

afterEach(() => context?.close())

afterAll(async () => {
  await relay?.kill()
  host?.close()
  await rm(directory, { recursive: true, force: true })
})

describe.each([
  { served: 'by the relay', origin: () => relay.origin },
  { served: 'by another host', origin: () => originOf(host) },
])('after one visit to the front page, served $served', ({ served, origin }) => {
  it('every page opens, reloads and finds its place without a network', async () => {
    const page = await visit(served)
    await page.goto(`${origin()}/`)
    await kept(page)
    await relay.kill()
    await context.setOffline(true)
    for (const [address, text] of [
      ['/', 'Sell together. Keep your own records.'],
      ['/index.html?from=mail', 'Sell together. Keep your own records.'],
      ['/workspace.html?relay=ws%3A%2F%2F127.0.0.1%3A9%2Fsocket&org=second#records/Lead', 'Create your org'],
      ['/workspace#connections', 'Create your org'],
      ['/site.html#site/Lead/x', 'No org in this browser yet'],
      ['/rehearsal.html', 'The vendor makes a link that works once'],
      ['/orgs.html', 'Your orgs in this browser'],
      ['/mirror.html#org/mirror', 'This page has no engine'],
      ['/admin.html#token=x', 'The relay does not answer'],
    ] as const) {
      await page.goto('about:blank')
      await page.goto(`${origin()}${address}`)
      await page.getByText(text).filter({ visible: true }).first().waitFor(patience)
      await page.reload()
      await page.getByText(text).filter({ visible: true }).first().waitFor(patience)
      expect(new URL(page.url()).pathname, address).toBe(new URL(address, origin()).pathname)
    }
    expect(strange()).toEqual([])
    await startRelay()
  })
})

it('a script that changed a kept file finds it as it was built, on the next load', async () => {
  const page = await visit('changed')
  await page.goto(`${relay.origin}/workspace.html`)
  await kept(page)
  await page.evaluate(async () => {
    for (const name of await caches.keys()) {
      const cache = await caches.open(name)
      for (const request of await cache.keys())
        await cache.put(request, new Response('document.title = "Mine"', { headers: { 'content-type': 'text/javascript' } }))
    }
  })
  await page.reload()
  await page.getByText('Create your org').waitFor(patience)
  expect(await page.title()).toBe('Workspace – Entente')
  // What was mended opens without a network again.
  await context.setOffline(true)
  await page.reload()
  await page.getByText('Create your org').waitFor(patience)
  expect(strange()).toEqual([])
})

it('a worker reads the org for its page, without a network too', async () => {
  const page = await visit('worker')
  await page.goto(`${relay.origin}/workspace.html`)
  await page.getByRole('textbox', { name: 'Company' }).fill('Alder Devices')
  await page.getByRole('textbox', { name: 'Your name' }).fill('Vera')
  await page.getByRole('button', { name: 'Create' }).click()
  await kept(page)
  await context.setOffline(true)
  await page.addInitScript(() => {
    const seen = { handed: 0 }
    Object.assign(globalThis, { seen })
    globalThis.Worker = class extends Worker {
      constructor(script: string | URL, options?: WorkerOptions) {
        super(script, options)
        this.addEventListener('message', ({ data }: MessageEvent<{ packed?: object }>) => data.packed && seen.handed++)
      }
    }
  })
  await page.reload()
  await page.getByRole('link', { name: 'Leads' }).first().waitFor(patience)
  const handed = () => page.evaluate(() => (globalThis as unknown as { seen: { handed: number } }).seen.handed)
  await expect.poll(handed, patience).toBeGreaterThan(0)
  expect(page.workers().map((worker) => new URL(worker.url()).pathname)).toEqual([expect.stringMatching(/^\/assets\/store-worker-/)])
  expect(strange()).toEqual([])
})

it('a new version waits until Vera asks for it, and leaves her other tab alone', async () => {
  const page = await visit('update')
  await page.goto(`${relay.origin}/workspace.html`)
  await page.getByRole('textbox', { name: 'Company' }).fill('Alder Devices')
  await page.getByRole('textbox', { name: 'Your name' }).fill('Vera')
  await page.getByRole('button', { name: 'Create' }).click()
  await kept(page)
  await page.reload()
  const other = await context.newPage()
  await other.goto(`${relay.origin}/workspace.html?org=second`)
  await other.getByRole('textbox', { name: 'Company' }).fill('Typed, not saved')
  const script = await other
    .locator('script[type=module]')
    .first()
    .evaluate((element) => (element as HTMLScriptElement).src)

  await buildApp(join(directory, 'next'), [secondVersion])
  await rename(web, join(directory, 'first'))
  await rename(join(directory, 'next'), web)
  // The browser asks when the network is back.
  await context.setOffline(true)
  await context.setOffline(false)
  for (const tab of [page, other]) await tab.getByText('A new version is here.').waitFor(patience)
  await picture(page, 'update')
  // It covers nothing: what is under its edges is its own.
  for (const size of [
    { width: 1280, height: 850 },
    { width: 390, height: 700 },
  ]) {
    await page.setViewportSize(size)
    await expect
      .poll(async () => {
        const [shown, notice] = await Promise.all([page.locator('workspace-app').boundingBox(), page.locator('.update').boundingBox()])
        return shown && notice ? [shown.y + shown.height - notice.y, notice.y + notice.height - size.height].map(Math.round) : []
      })
      .toEqual([0, 0])
  }
  await other.getByRole('button', { name: 'Later' }).click()

  // A page of the new version beside the worker of the old one.
  const passing = await context.newPage()
  const debug = await context.newCDPSession(passing)
  await debug.send('Network.enable')
  await debug.send('Network.setBypassServiceWorker', { bypass: true })
  await passing.goto(`${relay.origin}/workspace.html`)
  await passing.locator('html[data-version="2"]').waitFor(patience)
  await passing.getByText('Alder Devices').waitFor(patience)
  await passing.close()

  await page.getByRole('button', { name: 'Reload now' }).click()
  await page.locator('html[data-version="2"]').waitFor(patience)
  await page.getByText('Alder Devices').waitFor(patience)
  // A page of the old version beside the worker of the new one: as it was, and with the files of its own version, which the relay no longer has.
  expect(await other.getByRole('textbox', { name: 'Company' }).inputValue()).toBe('Typed, not saved')
  expect(await other.locator('html[data-version]').count()).toBe(0)
  expect((await fetch(script)).status).toBe(404)
  expect(await other.evaluate(async (address) => (await fetch(address)).status, script)).toBe(200)
  await other.getByRole('textbox', { name: 'Your name' }).fill('Vera')
  await other.getByRole('button', { name: 'Create' }).click()
  await other.getByText('No opportunities yet').waitFor(patience)
  await other.getByRole('button', { name: 'Reload now' }).click()
  await other.locator('html[data-version="2"]').waitFor(patience)

  // No page of the old version is open any more.
  const isKept = (): Promise<boolean> => page.evaluate(async (address) => (await caches.match(address)) !== undefined, script)
  await expect.poll(isKept, patience).toBe(false)
  expect(strange()).toEqual([])
})

it('of three tabs one leads; when it is closed another one does within 3 s, and nothing is lost', async () => {
  const soon = { timeout: 3_000, interval: 50 }
  const first = await visit('tabs')
  await begin(first, `${relay.origin}/workspace.html`)
  const [second, third] = [await context.newPage(), await context.newPage()]
  for (const tab of [second, third]) {
    await tab.goto(`${relay.origin}/workspace.html`)
    await expect.poll(() => lineOf(tab), patience).toBe('follows, online')
  }
  await makeDeal(second, 'Before')
  // The one that leads is closed while it has something to send.
  await makeDeal(first, 'At the last moment')
  await first.close()
  const left = [second, third]
  const linesLeft = async (): Promise<readonly string[]> => (await Promise.all(left.map(lineOf))).toSorted()
  await expect.poll(linesLeft, soon).toEqual(['follows, online', 'leads, online'])
  for (const tab of left) {
    await engineOf(tab, 'settled')
    expect(await dealsOf(tab)).toEqual(['At the last moment', 'Before'])
  }

  // A page of a newer version has changed the store: this one writes nothing over it.
  const last = second
  await last.evaluate(async () => {
    const [found] = (await indexedDB.databases()).filter(({ name }) => name?.startsWith('entente-'))
    await new Promise((resolve) => {
      const opening = indexedDB.open(found?.name ?? '')
      opening.onsuccess = () => {
        const transaction = opening.result.transaction('org', 'readwrite')
        transaction.objectStore('org').put([['meta', 'version'], 2], ['meta', 'version'])
        transaction.oncomplete = resolve
      }
    })
  })
  await expect(makeDeal(last, 'Too late')).rejects.toThrow('Reload it')
  await last.getByText('Reload this page').first().waitFor(patience)
  expect(await dealsOf(last)).not.toContain('Too late')
  await picture(last, 'outdated')
  expect(strange()).toEqual([])
})

it('a tab that the browser freezes gives the lead to one that is looked at, and follows when it wakes up', async () => {
  const soon = { timeout: 3_000, interval: 50 }
  const address = `${relay.origin}/workspace.html`
  await begin(await visit('frozen'), address)
  await context.close()
  const browser = await BareChromium.start(join(directory, 'profile frozen'))
  try {
    const first = await browser.open(address)
    await expect.poll(() => lineOf(first), patience).toBe('leads, online')
    const second = await browser.open(address)
    await expect.poll(() => lineOf(second), patience).toBe('follows, online')
    expect(await first.evaluate('document.visibilityState')).toBe('hidden')
    await first.freeze()
    await expect.poll(() => lineOf(second), soon).toBe('leads, online')
    await makeDeal(second, 'While the first is frozen')
    await engineOf(second, 'settled')
    await first.wake()
    await first.show()
    await expect.poll(() => lineOf(first), soon).toBe('follows, online')
    await expect.poll(() => dealsOf(first), soon).toEqual(['While the first is frozen'])
    await makeDeal(first, 'Awake again')
    await expect.poll(() => dealsOf(second), soon).toEqual(['Awake again', 'While the first is frozen'])
  } finally {
    await browser.kill()
  }
})

it('what Vera and Paul do while the relay is gone outlives the browser, and arrives when it is back', async () => {
  let page = await visit('work')
  const pane = (name: string): Locator => page.locator('section.pane').nth(name === 'Vera' ? 0 : 1)
  const step = (title: string): Locator => page.getByRole('list', { name: 'Steps' }).getByRole('button', { name: title })
  await page.goto(`${relay.origin}/rehearsal.html`)
  for (const title of ['Invite and accept', 'Compare the codes', 'Agree on fields', 'Share and grant', 'Export some']) {
    await step(title).click(patience)
    await page.getByRole('button', { name: 'Do it for me' }).click(patience)
    await page.getByRole('button', { name: new RegExp(`^${title} ?, done$`) }).waitFor(patience)
    await page.getByRole('button', { name: 'Doing it …' }).waitFor({ state: 'detached', ...patience })
  }
  await kept(page)
  await relay.kill()
  await context.setOffline(true)

  // A record by its address.
  await step('Edit on both sides').click()
  const address = page.url()
  await page.reload()
  await pane('Vera').getByRole('textbox', { name: 'Next Step' }).fill('Written without a network')
  await pane('Vera').getByRole('button', { name: 'Save', exact: true }).click()
  await pane('Vera')
    .getByText(/changes? waits?/)
    .waitFor(patience)
  await picture(page, 'offline-record')

  await step('Export some').click()
  await pane('Paul').getByRole('row').nth(1).getByRole('checkbox').check(patience)
  await pane('Paul')
    .getByRole('button', { name: /^Export 1/ })
    .click()
  await pane('Vera').getByRole('button', { name: 'Import' }).click()
  await pane('Vera')
    .getByLabel('Choose a CSV file')
    .setInputFiles({ name: 'deals.csv', mimeType: 'text/csv', buffer: Buffer.from(deals(1_800)) })
  await pane('Vera')
    .getByRole('button', { name: /^Check 1.?800/ })
    .click(patience)
  await pane('Vera')
    .getByRole('button', { name: /^Import 1.?800/ })
    .click(patience)
  await pane('Vera').getByRole('button', { name: 'Done' }).click({ timeout: 60_000 })
  await picture(page, 'offline-import')

  await context.close()
  context = await openProfile(join(directory, 'profile work'))
  await context.setOffline(true)
  page = context.pages()[0] ?? (await context.newPage())
  // The record by its address, in a browser that was closed.
  await page.goto(address)
  expect(await pane('Vera').getByRole('textbox', { name: 'Next Step' }).inputValue(patience)).toBe('Written without a network')
  await step('Export some').click()
  await pane('Vera').getByText('2,040', { exact: true }).waitFor(patience)
  await picture(page, 'offline-again')

  await startRelay()
  await context.setOffline(false)
  await pane('Paul').getByRole('button', { name: 'Exports' }).click()
  // Of both jobs, in both orgs.
  await expect
    .poll(
      () =>
        pane('Paul')
          .getByText(/^(8 \/ 8|1 \/ 1)$/)
          .count(),
      { timeout: 60_000 },
    )
    .toBe(4)
  for (const name of ['Vera', 'Paul']) await pane(name).getByText('All changes sent').waitFor({ timeout: 60_000 })
  await page.goto(address)
  await pane('Paul').locator('entente-external').getByText('Written without a network').waitFor(patience)
  await picture(page, 'offline-arrived')
})

/** The same app with a change in one of its scripts. */
const secondVersion: Plugin = {
  name: 'second-version',
  transform: (code, id) =>
    id.endsWith('web/src/workspace/main.ts') ? `${code}\ndocument.documentElement.dataset.version = '2'` : undefined,
}

/** Vera makes her org. */
async function begin(page: Page, address: string): Promise<void> {
  await page.goto(address)
  await page.getByRole('textbox', { name: 'Company' }).fill('Alder Devices')
  await page.getByRole('textbox', { name: 'Your name' }).fill('Vera')
  await page.getByRole('button', { name: 'Create' }).click()
  await expect.poll(() => lineOf(page), patience).toBe('leads, online')
}

/** A page, by whatever drives it. */
interface Tab {
  evaluate<T>(expression: string): Promise<T>
}

/** What a tab's own engine says of its line; `opening` before there is one. */
async function lineOf(page: Tab): Promise<string> {
  const isOpen = await page.evaluate<boolean>(`document.querySelector('workspace-app')?.engine !== undefined`)
  if (!isOpen) return 'opening'
  const { leader, state } = await engineOf<{ leader: boolean; state: string }>(page, 'status')
  return `${leader ? 'leads' : 'follows'}, ${state}`
}

function dealsOf(page: Tab): Promise<readonly string[]> {
  return engineOf(page, 'deals')
}

function makeDeal(page: Tab, name: string): Promise<void> {
  return engineOf(page, 'make', name)
}

/** Asks the engine behind a page. */
function engineOf<T>(page: Tab, what: 'status' | 'settled' | 'deals' | 'make', name = ''): Promise<T> {
  const act = async (engine: Engine, [asked, called]: readonly [string, string]): Promise<unknown> => {
    if (asked === 'status') return engine.sync.status()
    if (asked === 'settled') return engine.sync.settled(20_000)
    if (asked === 'deals')
      return engine.records
        .list('Opportunity')
        .records.map(({ values }) => (typeof values['Name'] === 'string' ? values['Name'] : ''))
        .sort()
    return engine.records.create('Opportunity', { Name: called, StageName: 'Prospecting', CloseDate: '2027-05-20' })
  }
  const [text, argument] = [act.toString(), JSON.stringify([what, name])]
  return page.evaluate(`(${text})(document.querySelector('workspace-app').engine, ${argument})`)
}

/** A file of deals: few of them open, which the rule shares. */
function deals(count: number): string {
  const lines = Array.from({ length: count }, (_, index) => `Rollout ${index},${index < 20 ? 'Qualification' : 'Closed Won'},2027-05-20`)
  return ['Opportunity Name,Stage,Close Date', ...lines].join('\n')
}

async function picture(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: `${screenshots}${name}.png` })
}

/** What went wrong, but for what no network can answer. */
function strange(): readonly string[] {
  return problems.filter((problem) => !/ERR_INTERNET_DISCONNECTED|ERR_CONNECTION_REFUSED/.test(problem))
}

function startRelay(): Promise<void> {
  return relay.start(['--web', web, '--origin', originOf(host)])
}

/** A new profile with one page. */
async function visit(name: string): Promise<Page> {
  context = await openProfile(join(directory, `profile ${name}`))
  const page = context.pages()[0] ?? (await context.newPage())
  problems = []
  page.on('pageerror', (error) => problems.push(error.message))
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()))
  return page
}

/** Resolves once the service worker has all files of the app. */
function kept(page: Page): Promise<unknown> {
  return page.evaluate(async () => (await navigator.serviceWorker.ready).active?.state)
}
