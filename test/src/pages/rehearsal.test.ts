import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Locator, Page } from 'playwright'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { RelayProcess } from '../node/relay-process.js'
import { buildPages, launchChromium, screenshots } from './chromium.js'

// The whole of the main job as a person sees it: the built app, served by a real relay, in Chromium, on real IndexedDB. Screenshots of each stage are left
// in test/screenshots.

const patience = { timeout: 20_000 }

let directory = ''
let relay: RelayProcess
let browser: Browser
let page: Page
const errors: string[] = []

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'entente-rehearsal-'))
  const web = join(directory, 'web')
  await buildPages(web)
  relay = new RelayProcess(join(directory, 'relay'))
  await relay.start(['--web', web])
  browser = await launchChromium()
  page = await browser.newPage({ viewport: { width: 1400, height: 950 }, locale: 'en-GB', timezoneId: 'UTC', reducedMotion: 'reduce' })
  page.on('pageerror', (error) => errors.push(error.message))
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()))
  await mkdir(screenshots, { recursive: true })
}, 120_000)

afterAll(async () => {
  await browser?.close()
  await relay?.kill()
  await rm(directory, { recursive: true, force: true })
})

it('Vera and Paul connect, agree, export, edit offline and see each other’s progress', { timeout: 180_000 }, async () => {
  await page.goto(`http://127.0.0.1:${relay.port}/rehearsal.html`)
  const [vera, paul] = [page.locator('section.pane').nth(0), page.locator('section.pane').nth(1)]

  // By hand: the invitation goes from one pane to the other, and both people compare the code.
  await vera.getByRole('button', { name: 'Make an invitation' }).click(patience)
  const link = await vera.getByRole('textbox', { name: 'Invitation link' }).inputValue(patience)
  await paul.getByRole('textbox').first().fill(link)
  await paul.getByRole('button', { name: 'Accept' }).click()
  const code = (pane: Locator): Promise<string | null> =>
    pane
      .getByRole('status', { name: 'Code to compare' })
      .textContent(patience)
      .then((text) => text?.replaceAll(/\s/g, '') ?? null)
  expect(await code(vera)).toMatch(/^\d{12}$/)
  expect(await code(paul)).toBe(await code(vera))
  await picture('1-codes')
  for (const pane of [vera, paul]) await pane.getByRole('button', { name: 'They are the same' }).click()
  await done('Compare the codes')

  // The guide does the rest of the setting up.
  for (const [index, title] of ['Agree on fields', 'Share and grant', 'Export some', 'Edit on both sides'].entries()) {
    await step(title).click()
    await page.getByRole('button', { name: 'Do it for me' }).click(patience)
    await done(title)
    // The guide is through when it no longer says that it is at it.
    await page.getByRole('button', { name: 'Doing it …' }).waitFor({ state: 'detached', ...patience })
    await picture(`${index + 2}-${title.toLowerCase().replaceAll(' ', '-')}`)
  }

  // By hand again: Vera works offline; Paul sees nothing of it until she mends her line, and then all of it.
  await vera.getByRole('button', { name: 'Cut the wire' }).click()
  const nextStep = vera.getByRole('textbox', { name: 'Next Step' })
  await nextStep.fill('Bring the signed offer, offline')
  await vera.getByRole('button', { name: 'Save', exact: true }).click()
  await vera.getByText('1 change waits').waitFor(patience)
  await picture('6-offline')
  const mirror = paul.locator('entente-external')
  expect(await mirror.getByText('Bring the signed offer, offline').count()).toBe(0)

  // A reload in the middle loses nothing: what was saved is on the device.
  await page.reload()
  await mirror.getByText('Bring the signed offer, offline').waitFor(patience)
  await picture('7-caught-up')
  expect(await paul.getByRole('textbox', { name: 'Next Action' }).inputValue()).not.toContain('offline')
  expect(await mirror.getByRole('textbox').count()).toBe(0)
  expect(await mirror.getByRole('button', { name: /save|edit/i }).count()).toBe(0)
  expect(errors.filter((text) => !text.includes('WebSocket'))).toEqual([])
})

function step(title: string): Locator {
  return page.getByRole('list', { name: 'Steps' }).getByRole('button', { name: title })
}

async function done(title: string): Promise<void> {
  await page.getByRole('button', { name: new RegExp(`^${title} ?, done$`) }).waitFor(patience)
}

async function picture(name: string): Promise<void> {
  await page.screenshot({ path: `${screenshots}${name}.png` })
}
