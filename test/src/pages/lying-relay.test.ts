import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Entry } from '@entente/protocol'
import type { Browser, BrowserContext, Locator, Page } from 'playwright'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { RelayProcess } from '../node/relay-process.js'
import { buildPages, launchChromium, screenshots } from './chromium.js'
import { LyingWire } from './lying-wire.js'

// A relay that lies to Paul, as both people see it: the built app in Chromium, a real relay, and between them what withholds edits and shows old ones again.
// Screenshots are left in test/screenshots.

const patience = { timeout: 30_000 }

let directory = ''
let relay: RelayProcess
let browser: Browser
let context: BrowserContext
let page: Page
let key = ''
/** The oldest entry of the record that came for Paul, and the sequence of the newest one before the relay began to lie. */
let old: Entry | undefined
let last = 0
const wire = new LyingWire()

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'entente-lying-'))
  const web = join(directory, 'web')
  await buildPages(web)
  relay = new RelayProcess(join(directory, 'relay'))
  await relay.start(['--web', web])
  browser = await launchChromium()
  context = await browser.newContext({
    viewport: { width: 1400, height: 950 },
    locale: 'en-GB',
    timezoneId: 'UTC',
    reducedMotion: 'reduce',
  })
  await wire.standIn(context)
  page = await context.newPage()
  await mkdir(screenshots, { recursive: true })
  await page.goto(`${relay.origin}/rehearsal.html`)
  for (const title of ['Invite and accept', 'Compare the codes', 'Agree on fields', 'Share and grant', 'Export some', 'Edit on both sides'])
    await doStep(title)
  const [org, mirror] =
    (await pane('Paul').getByRole('link', { name: 'Live view of' }).getAttribute('href'))?.split('#')[1]?.split('/') ?? []
  wire.victim = org ?? ''
  key = mirror ?? ''
}, 120_000)

afterAll(async () => {
  await browser?.close()
  await relay?.kill()
  await rm(directory, { recursive: true, force: true })
})

it('[HD5] both people see as of when the other signed what they see', async () => {
  await mirrorOf('Paul')
    .getByText(/^As Quarrow Sensors signed it at \d/)
    .waitFor(patience)
  await mirrorOf('Vera')
    .getByText(/^As Tessaly & Brook signed it at \d/)
    .waitFor(patience)
  const entries = wire.heard.filter(([feed, entry]) => feed.endsWith('/vendor/opportunity') && entry.key === key).map(([, entry]) => entry)
  old = entries[0]
  last = entries.at(-1)?.sequence ?? 0
  expect(entries.length).toBeGreaterThan(1)
  await picture('lying-1-honest')
})

it(
  '[HD6, HD8] an edit that the relay withholds shows as a difference, and which record differs (row 89)',
  { timeout: 120_000 },
  async () => {
    const records = page.url()
    wire.lie = (_, entries) => ({ entries: entries.filter((entry) => !isNewer(entry)) })
    await edit('Kept from Paul')
    await mirrorOf('Paul').getByText(differs).waitFor(patience)
    await pane('Paul').locator('header').getByText('Differs from what was signed').waitFor(patience)
    expect(await mirrorOf('Paul').getByText('Kept from Paul').count()).toBe(0)
    await picture('lying-2-withheld')

    for (const person of ['Vera', 'Paul'] as const) await tab(person, 'Sync').click()
    const link = pane('Paul').locator('entente-status button.link')
    await link.waitFor(patience)
    await picture('lying-3-sync')
    await page.setViewportSize({ width: 375, height: 950 })
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(375)
    await page.setViewportSize({ width: 1400, height: 950 })
    await link.click()
    await mirrorOf('Paul').getByText(differs).waitFor(patience)
    expect(page.url().split('&')[1]).toBe(records.split('&')[1])
    await page.goto(records)
  },
)

it('[HD6] a relay that shows an old doc again, also after a reload, takes no value back (row 89)', { timeout: 120_000 }, async () => {
  wire.lie = (_, entries) => ({ entries: entries.map((entry) => (isNewer(entry) && old ? { ...old, sequence: entry.sequence } : entry)) })
  await page.reload()
  await edit('Also kept from Paul')
  await pane('Vera').getByText('All changes sent').waitFor(patience)
  await mirrorOf('Paul').getByText(differs).waitFor(patience)
  expect(await mirrorOf('Paul').getByText(shown).count()).toBe(1)
  await picture('lying-4-rolled-back')
})

it('[HD5] once the relay gives all, both see again as of when it was signed', { timeout: 120_000 }, async () => {
  wire.lie = undefined
  await edit('For Paul too')
  await mirrorOf('Paul').getByText('For Paul too').waitFor(patience)
  await mirrorOf('Paul').getByText('As Quarrow Sensors signed it').waitFor(patience)
  expect(await pane('Paul').getByText('Differs from what was signed').count()).toBe(0)
  await picture('lying-5-whole')
})

const differs = 'this has differed from what Quarrow Sensors signed'
/** What the guide's edit has left in Paul's mirror. */
const shown = 'Send the final quote on Monday'

/** Of the record that both people look at, and later than what Paul had before the relay began to lie. */
function isNewer(entry: Entry): boolean {
  return entry.key === key && entry.sequence > last
}

async function doStep(title: string): Promise<void> {
  await page.getByRole('list', { name: 'Steps' }).getByRole('button', { name: title }).click(patience)
  await page.getByRole('button', { name: 'Do it for me' }).click(patience)
  await page.getByRole('button', { name: new RegExp(`^${title} ?, done$`) }).waitFor(patience)
  await page.getByRole('button', { name: 'Doing it …' }).waitFor({ state: 'detached', ...patience })
}

async function edit(words: string): Promise<void> {
  await pane('Vera').getByRole('textbox', { name: 'Next Step' }).fill(words)
  await pane('Vera').getByRole('button', { name: 'Save', exact: true }).click(patience)
}

function pane(person: 'Vera' | 'Paul'): Locator {
  return page.locator('section.pane').nth(person === 'Vera' ? 0 : 1)
}

function mirrorOf(person: 'Vera' | 'Paul'): Locator {
  return pane(person).locator('entente-external')
}

function tab(person: 'Vera' | 'Paul', name: string): Locator {
  return pane(person).getByRole('navigation').getByRole('link', { name })
}

async function picture(name: string): Promise<void> {
  await page.screenshot({ path: `${screenshots}${name}.png` })
}
