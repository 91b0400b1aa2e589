import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { agree, createConnection, docOffer, feedNumbers, type RelayClient, type TestConnection } from '@entente/relay-server/testing'
import type { Browser, Page } from 'playwright'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { RelayProcess } from '../node/relay-process.js'
import { accessibilityProblems, buildPages, launchChromium, screenshots } from './chromium.js'

// The relay's admin page in Chromium, served by a real relay that has work to do: Vera publishes, Paul's line takes nothing. Screenshots are left in
// test/screenshots.

const patience = { timeout: 15_000 }
const token = 'a-token-of-the-operator'

let directory = ''
let web = ''
let relay: RelayProcess
let browser: Browser
let page: Page
let connection: TestConnection
let clients: readonly RelayClient[] = []
const problems: string[] = []

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'entente-admin-'))
  web = join(directory, 'web')
  await buildPages(web)
  await writeFile(join(directory, 'token'), token)
  relay = new RelayProcess(join(directory, 'relay'))
  await relay.start(['--web', web, '--quota-docs', '400'])
  connection = await createConnection()
  browser = await launchChromium()
  page = await browser.newPage({ viewport: { width: 1240, height: 900 }, locale: 'en-GB', timezoneId: 'UTC', reducedMotion: 'reduce' })
  page.on('pageerror', (error) => problems.push(error.message))
  // Chromium tells of each answer 401 there.
  page.on('console', (message) => message.type() === 'error' && !message.text().includes('401') && problems.push(message.text()))
  await mkdir(screenshots, { recursive: true })
}, 120_000)

afterAll(async () => {
  for (const client of clients) client.socket.terminate()
  await browser?.close()
  await relay?.kill()
  await rm(directory, { recursive: true, force: true })
})

it('the operator opens the link that the relay printed, and sees what passes through it and for whom most waits', async () => {
  const { vera, paul } = await agree(connection, relay.url)
  clients = [vera, paul]
  // Whoever else comes from this machine, as a proxy does for everybody, sees nothing.
  await page.goto(address('/admin.html'))
  await page.getByRole('heading', { name: 'Unlock this page' }).waitFor(patience)
  await page.goto(await relay.adminLink())
  await page.getByText('Live', { exact: true }).waitFor(patience)
  expect(page.url()).toBe(address('/admin.html'))
  const sessions = page.getByRole('region', { name: 'Sessions' }).getByRole('row')
  await sessions.filter({ hasText: connection.vera.id }).waitFor(patience)

  // Paul's device stops reading; what Vera goes on publishing waits for it.
  paul.socket.pause()
  const value = new Uint8Array(30_000).fill(7)
  for (let n = 0; n < 220; n++) {
    const outcome = await vera.publish(feedNumbers.vendorOpportunity, docOffer(`opportunity-${n}`, value))
    expect(outcome.code).toBe('ACCEPTED')
  }
  const waiting = sessions.nth(1)
  await waiting
    .filter({ hasText: connection.paul.id })
    .filter({ hasText: /[1-9]\d\d KiB/ })
    .waitFor(patience)
  for (const name of ['Entries in', 'Entries out']) await tile(name).filter({ hasText: /[1-9]/ }).waitFor(patience)
  await tile('Time to acknowledge')
    .filter({ hasText: /[1-9] ms/ })
    .waitFor(patience)
  expect(await tile('On disk').textContent(patience)).toMatch(/[1-9]/)
  expect(await tile('Oldest undelivered').textContent()).toMatch(/[1-9]/)
  await picture('admin-light')

  // What it lists are ids and figures; nothing of what Vera published is in it, and no key.
  const own = new URL(await relay.adminLink()).hash.replace('#token=', '')
  const told = await (await fetch(address('/admin/status'), { headers: { authorization: `Bearer ${own}` } })).text()
  expect(told).toContain(connection.vera.id)
  expect(told).not.toMatch(/opportunity-\d|\/opportunity/)
})

it('says what a relay can learn and what not', async () => {
  const section = page.getByRole('region', { name: 'What this relay can and cannot read' })
  expect(await section.getByRole('listitem').allTextContents()).toEqual(
    expect.arrayContaining([expect.stringContaining('Ids of orgs'), expect.stringContaining('Values of any kind')]),
  )
})

it('is fit for everyone: light, dark, narrow, and without a mouse', async () => {
  expect(await accessibilityProblems(page)).toEqual([])
  await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' })
  expect(await accessibilityProblems(page)).toEqual([])
  await picture('admin-dark')
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' })
  await page.setViewportSize({ width: 360, height: 760 })
  expect(await accessibilityProblems(page)).toEqual([])
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360)
  await picture('admin-narrow')
  await page.setViewportSize({ width: 1240, height: 900 })

  const filter = page.getByRole('searchbox', { name: 'Only ids with' })
  await page.getByRole('button', { name: 'Lock' }).focus()
  await page.keyboard.press('Tab')
  expect(await filter.evaluate(isFocused)).toBe(true)
  await page.keyboard.type(connection.vera.id.slice(3, 30))
  const rows = page.getByRole('region', { name: 'Sessions' }).locator('tbody tr')
  await rows.filter({ hasText: connection.paul.id }).waitFor({ state: 'detached', ...patience })
  expect(await rows.count()).toBe(1)
  await page.keyboard.press('Tab')
  expect(await page.locator('.scroll').first().evaluate(isFocused)).toBe(true)
  await filter.fill('')
})

it('goes on showing the last figures, as old, while the relay does not answer, and the new ones when it does', async () => {
  expect(problems).toEqual([])
  await relay.kill()
  await page.getByText('These are the figures of').waitFor(patience)
  await page.getByText('No answer', { exact: true }).waitFor(patience)
  expect(await accessibilityProblems(page)).toEqual([])
  await picture('admin-silent')
  expect(await tile('Memory').count()).toBe(1)
  await relay.start(['--web', web, '--admin-token-file', join(directory, 'token')])
  // It was started again with a token of the operator's, which this page does not have yet.
  await page.getByRole('heading', { name: 'Unlock this page' }).waitFor(patience)
})

it('is unlocked by the token, which no address and no reload needs, and locked by hand', async () => {
  const field = page.getByLabel('Admin token')
  await field.fill('a guess')
  await page.keyboard.press('Enter')
  await page.getByText('This is not the relay’s token.').waitFor(patience)
  expect(await accessibilityProblems(page)).toEqual([])
  await picture('admin-locked')

  const asked: string[] = []
  page.on('request', (request) => asked.push(request.url()))
  await field.fill(token)
  await page.keyboard.press('Enter')
  await page.getByText('Live', { exact: true }).waitFor(patience)
  await page.reload()
  await page.getByText('Live', { exact: true }).waitFor(patience)
  expect(asked.some((url) => url.endsWith('/admin/status'))).toBe(true)
  expect(asked.filter((url) => url.includes(token))).toEqual([])
  expect(relay.output.filter((line) => line.includes(token))).toEqual([])

  await page.getByRole('button', { name: 'Lock' }).click()
  await field.waitFor(patience)
  await page.reload()
  await field.waitFor(patience)
})

it('says what is wrong with a relay in trouble', async () => {
  await page.route('**/admin/status', (route) => route.fulfill({ json: { ...inTrouble, at: Date.now() } }))
  await page.reload()
  await page.getByRole('alert').filter({ hasText: 'The store takes no entries.' }).waitFor(patience)
  await page.getByText('5,000 sessions, listed are 2: those with most bytes waiting.').waitFor(patience)
  await page.getByText('no hello yet').waitFor(patience)
  expect(await page.getByRole('region', { name: 'Orgs' }).locator('tbody tr').last().innerText()).toMatch(
    /No\s+9\.5 MiB of 10 MiB\s+10 of 10\s+1$/,
  )
  expect(await accessibilityProblems(page)).toEqual([])
  await picture('admin-trouble')
  await page.unroute('**/admin/status')
})

it('asks for patience where too many wrong tokens came from', async () => {
  for (let n = 0; n < 10; n++) await fetch(address('/admin/status'), { headers: { authorization: `Bearer guess-${n}` } })
  await page.reload()
  await page
    .getByRole('alert')
    .filter({ hasText: /Try again in (1 min|\d+ s)/ })
    .waitFor(patience)
})

/** What a relay answers whose disk is full, with one org at its bound that its operator has shut out. */
const inTrouble = {
  upMs: 200_000_000,
  sockets: 5_010,
  load: {
    overSeconds: 10,
    entriesInPerSecond: 0,
    entriesOutPerSecond: 12.34,
    eventLoopMs: { mean: 31, max: 812 },
    memory: { residentBytes: 900_000_000, heapBytes: 300_000_000 },
  },
  store: {
    writable: false,
    compactionWaiting: 10_000,
    held: { diskBytes: 9e9, orgs: 1, feeds: 3, docs: 1e6, tombstones: 5, tailUpdates: 9e5, invitations: 1, incarnations: 3 },
  },
  sessions: {
    total: 5_000,
    queuedBytes: 5e9,
    oldestMs: 45_000,
    behind: 70_000,
    listed: [
      {
        org: 'O'.repeat(43),
        device: 'D'.repeat(43),
        role: 'member',
        openedMs: 9e6,
        feeds: 4,
        queuedBytes: 8e6,
        oldestMs: 45_000,
        behind: 7e4,
      },
      { openedMs: 900, feeds: 0, queuedBytes: 0, oldestMs: 0, behind: 0 },
    ],
  },
  orgs: {
    total: 1,
    listed: [
      {
        id: 'O'.repeat(43),
        bytes: 9_961_472,
        docs: 10,
        connections: 1,
        quota: { bytes: 10_485_760, docs: 10, connections: 0 },
        admitted: false,
      },
    ],
  },
}

function address(path: string): string {
  return `http://127.0.0.1:${relay.port}${path}`
}

function tile(name: string): ReturnType<Page['locator']> {
  return page.locator('.tiles > div').filter({ has: page.locator('dt', { hasText: name }) })
}

function isFocused(element: Element): boolean {
  return (element.getRootNode() as Document | ShadowRoot).activeElement === element
}

async function picture(name: string): Promise<void> {
  await page.screenshot({ path: `${screenshots}${name}.png`, fullPage: true })
}
