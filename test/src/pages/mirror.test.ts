import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import type { Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, BrowserContext, Locator, Page } from 'playwright'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { RelayProcess } from '../node/relay-process.js'
import { accessibilityProblems, buildPages, launchChromium, screenshots } from './chromium.js'
import { originOf, serveFiles } from './static-host.js'

// The live mirror's page in Chromium, on a host that is not the relay, opened as a person opens it: by its link, beside the mirror on Paul's record. Vera edits in the other pane; what opens the
// mirror comes from the page with the engines. Screenshots are left in test/screenshots.

const patience = { timeout: 20_000 }

let directory = ''
let web = ''
let relay: RelayProcess
let host: Server
let browser: Browser
let context: BrowserContext
let rehearsal: Page
let live: Page
const sockets: string[] = []
const problems: string[] = []

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'entente-mirror-'))
  web = join(directory, 'web')
  await buildPages(web)
  relay = new RelayProcess(join(directory, 'relay'))
  host = await serveFiles(web)
  await relay.start(options())
  browser = await launchChromium()
  context = await browser.newContext({
    viewport: { width: 1400, height: 950 },
    locale: 'en-GB',
    timezoneId: 'UTC',
    reducedMotion: 'reduce',
  })
  context.on('page', (page) => {
    page.on('pageerror', (error) => problems.push(error.message))
    page.on('console', (message) => message.type() === 'error' && problems.push(message.text()))
    page.on('websocket', (socket) => sockets.push(socket.url()))
  })
  rehearsal = await context.newPage()
  await mkdir(screenshots, { recursive: true })
}, 120_000)

afterAll(async () => {
  await browser?.close()
  await relay?.kill()
  host?.close()
  await rm(directory, { recursive: true, force: true })
})

it('[GW1] Vera’s edit stands in Paul’s live page', { timeout: 120_000 }, async () => {
  await rehearsal.goto(`${originOf(host)}/rehearsal.html?relay=${encodeURIComponent(relay.url)}`)
  for (const title of [
    'Invite and accept',
    'Compare the codes',
    'Agree on fields',
    'Share and grant',
    'Export some',
    'Edit on both sides',
  ]) {
    await step(title).click(patience)
    await rehearsal.getByRole('button', { name: 'Do it for me' }).click(patience)
    await rehearsal.getByRole('button', { name: new RegExp(`^${title} ?, done$`) }).waitFor(patience)
    await rehearsal.getByRole('button', { name: 'Doing it …' }).waitFor({ state: 'detached', ...patience })
  }
  const opened = context.waitForEvent('page')
  await pane('Paul').getByRole('link', { name: 'Live view of' }).click(patience)
  live = await opened
  await live.setViewportSize({ width: 900, height: 800 })
  await line('Live').waitFor(patience)
  await live.getByRole('heading', { name: 'Connected External Opportunity at Quarrow Sensors' }).waitFor(patience)

  const words = 'Bring the signed offer, live'
  await pane('Vera').getByRole('textbox', { name: 'Next Step' }).fill(words)
  await pane('Vera').getByRole('button', { name: 'Save', exact: true }).click()
  await live.getByRole('row', { name: 'Next Step' }).filter({ hasText: words }).waitFor(patience)
  expect(await live.getByText('not shared', { exact: true }).count()).toBeGreaterThan(0)
  expect(await live.locator('.changed').textContent()).toMatch(/^Last change \d+ \w+ 20\d\d/)
  await picture('mirror-live')
})

it('is fit for everyone: light, dark, and narrow', async () => {
  expect(await accessibilityProblems(live)).toEqual([])
  await live.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' })
  expect(await accessibilityProblems(live)).toEqual([])
  await picture('mirror-dark')
  await live.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' })
  await live.setViewportSize({ width: 360, height: 760 })
  expect(await accessibilityProblems(live)).toEqual([])
  expect(await live.evaluate('document.documentElement.scrollWidth')).toBe(360)
  await picture('mirror-narrow')
  await live.setViewportSize({ width: 900, height: 800 })
})

it('shows what is strange as it is: markup, addresses and hidden characters (rows 63, 64, 65)', async () => {
  const strange = '<img src=x onerror=alert(1)> javascript:alert(1) invoice\u202Egnp'
  await pane('Vera').getByRole('textbox', { name: 'Next Step' }).fill(strange)
  await pane('Vera').getByRole('button', { name: 'Save', exact: true }).click()
  const cell = live.getByRole('row', { name: 'Next Step' }).locator('bdi').nth(1)
  await cell.filter({ hasText: '<img src=x onerror=alert(1)> javascript:alert(1) invoice⟨U+202E⟩gnp' }).waitFor(patience)
  expect(await live.locator('main a, main img').count()).toBe(0)
})

it('[GW3] comes back with another token before the first one ends, and shows all that is edited then', { timeout: 60_000 }, async () => {
  const dialled = sockets.filter((url) => url.includes('/gateway/')).length
  const states: string[] = []
  await live.exposeFunction('lineSaid', (state: string) => states.push(state))
  await live.evaluate(`new MutationObserver(() => lineSaid(document.querySelector('main').dataset.line))
    .observe(document.querySelector('main'), { attributes: true, attributeFilter: ['data-line'] })`)
  await expect.poll(() => sockets.filter((url) => url.includes('/gateway/')).length, { timeout: 20_000 }).toBeGreaterThan(dialled + 1)
  expect(states.filter((state) => state !== 'live')).toEqual([])
  await pane('Vera').getByRole('textbox', { name: 'Next Step' }).fill('Under another token')
  await pane('Vera').getByRole('button', { name: 'Save', exact: true }).click()
  await live.getByText('Under another token').waitFor(patience)
})

it('waits for the relay, and for a tab with the engine, and says so', { timeout: 90_000 }, async () => {
  await relay.kill()
  await line('Reconnecting').waitFor(patience)
  await live.getByText('Under another token').waitFor(patience)
  await relay.start(options())
  await line('Live').waitFor({ timeout: 30_000 })

  const address = rehearsal.url()
  await rehearsal.goto('about:blank')
  await line('Reconnecting').waitFor({ timeout: 30_000 })
  await live.getByText('No tab of this org answers.').waitFor(patience)
  await picture('mirror-alone')
  expect(await accessibilityProblems(live)).toEqual([])
  await rehearsal.goto(address)
  await line('Live').waitFor({ timeout: 30_000 })
  // The relay’s being away is an error to a browser’s console; nothing else was.
  expect(problems.filter((text) => !text.includes('WebSocket') && !text.includes('ERR_'))).toEqual([])
})

it('holds no secret in an address, and no engine in its bundle', async () => {
  expect(new URL(live.url()).search).toBe('')
  expect(new URL(live.url()).hash).toMatch(/^#[\w-]{43}\/[\w-]{22}$/)
  const html = await readFile(join(web, 'mirror.html'), 'utf8')
  const files = await scriptsOf([...html.matchAll(/assets\/[\w.-]+\.js/g)].map(([file]) => file))
  const names = (await readdir(join(web, 'assets'))).filter((file) => file.endsWith('.js'))
  expect(files.size).toBeLessThan(names.length)
  const text = [...files.values()].join('\n')
  // What only the engine says, and what the page is made of.
  for (const engine of ['entente-hello+jwt', 'RecordMap', 'indexedDB', 'ExportInProgress', 'SharedWorker', 'lit-html'])
    expect(text).not.toContain(engine)
  expect(text).toContain('entente-live-mirror')
  expect(text.length).toBeLessThan(130_000)
})

const options = (): readonly string[] => ['--origin', originOf(host), '--gateway-token-seconds', '10']

/** The scripts that a page loads, and what those import, by name. */
async function scriptsOf(first: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>()
  const waiting = [...first]
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (found.has(file)) continue
    const text = await readFile(join(web, file), 'utf8')
    found.set(file, text)
    for (const [, imported] of text.matchAll(/(?:from|import)\s*["'`]\.\/([\w.-]+\.js)["'`]/g)) waiting.push(`assets/${imported}`)
  }
  return found
}

function pane(person: 'Vera' | 'Paul'): Locator {
  return rehearsal.locator('section.pane').nth(person === 'Vera' ? 0 : 1)
}

function step(title: string): Locator {
  return rehearsal.getByRole('list', { name: 'Steps' }).getByRole('button', { name: title })
}

function line(state: string): Locator {
  return live.locator('.line').filter({ hasText: state })
}

async function picture(name: string): Promise<void> {
  await live.screenshot({ path: `${screenshots}${name}.png`, fullPage: true })
}
