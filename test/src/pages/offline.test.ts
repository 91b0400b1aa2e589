import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import type { Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BrowserContext, Page } from 'playwright'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { RelayProcess } from '../node/relay-process.js'
import { buildPages, openProfile, screenshots } from './chromium.js'
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
