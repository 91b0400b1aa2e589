import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { inEngine, opened } from '../bench/org-pages.js'
import { RelayProcess } from '../node/relay-process.js'
import { accessibilityProblems, buildPages, launchChromium, screenshots } from './chromium.js'

// Vera works for two companies, with one browser: each has its own org there, and each tab shows the one that its address names.

let directory = ''
let relay: RelayProcess
let browser: Browser
let context: BrowserContext
let alder: Page
let brook: Page
const problems: string[] = []

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'entente-orgs-'))
  const web = join(directory, 'web')
  await buildPages(web)
  relay = new RelayProcess(join(directory, 'relay'))
  await relay.start(['--web', web])
  browser = await launchChromium()
  context = await browser.newContext({
    viewport: { width: 1280, height: 850 },
    locale: 'en-GB',
    timezoneId: 'UTC',
    reducedMotion: 'reduce',
    colorScheme: 'light',
  })
  context.setDefaultTimeout(20_000)
  context.on('page', (page) => {
    page.on('pageerror', (error) => problems.push(error.message))
    page.on('console', (message) => message.type() === 'error' && problems.push(message.text()))
  })
  alder = await context.newPage()
  await mkdir(screenshots, { recursive: true })
}, 120_000)

afterAll(async () => {
  await browser?.close()
  await relay?.kill()
  await rm(directory, { recursive: true, force: true })
})

async function create(page: Page, company: string): Promise<void> {
  await page.getByRole('textbox', { name: 'Company' }).fill(company)
  await page.getByRole('textbox', { name: 'Your name' }).fill('Vera')
  await page.getByRole('button', { name: 'Create', exact: true }).click()
  await page.getByText('Online', { exact: true }).waitFor()
}

/** Opens the list behind the org's name, and follows a link of it into a new tab. */
async function follow(page: Page, link: string): Promise<Page> {
  await page.getByRole('button', { name: 'Orgs in this browser' }).click()
  const coming = context.waitForEvent('page')
  await page.getByRole('navigation', { name: 'Orgs in this browser' }).getByRole('link', { name: link }).click()
  return coming
}

const leads = (page: Page): Promise<boolean> => inEngine(page, (engine) => engine.sync.status().leader, null)
const names = (page: Page): Promise<readonly unknown[]> =>
  inEngine(page, (engine) => engine.records.list('Lead').records.map(({ values }) => values['LastName']), null)

it('she makes a second org from the first one’s page; each leads in its own tab, under its own name', async () => {
  await alder.goto(`${relay.origin}/workspace.html`)
  await create(alder, 'Alder Devices')
  expect(await alder.title()).toBe('Alder Devices – Workspace – Entente')
  const orgs = await follow(alder, 'Create or join another org')
  await orgs.getByRole('heading', { name: 'Alder Devices' }).waitFor()
  await orgs.getByText('open in a tab').waitFor()
  await orgs.getByRole('link', { name: 'Create or restore another org' }).click()
  await orgs.getByRole('heading', { name: 'This browser has another org' }).waitFor()
  await create(orgs, 'Brook Supplies')
  brook = orgs
  expect(new URL(brook.url()).search).toBe('?org=org-2')
  await expect.poll(() => Promise.all([leads(alder), leads(brook)])).toEqual([true, true])
  await inEngine(
    alder,
    (engine) => engine.records.create('Lead', { LastName: 'Ada', Company: 'Acme', Status: 'Open - Not Contacted' }),
    null,
  )
  await inEngine(
    brook,
    (engine) => engine.records.create('Lead', { LastName: 'Ben', Company: 'Acme', Status: 'Open - Not Contacted' }),
    null,
  )
  for (const page of [alder, brook]) {
    await page.reload()
    await opened(page)
  }
  expect([await names(alder), await names(brook)]).toEqual([['Ada'], ['Ben']])
  expect(await brook.title()).toBe('Brook Supplies – Workspace – Entente')
})

it('she goes to the other org in the middle of her work, and finds it as she left it', async () => {
  await alder.getByRole('navigation').getByRole('link', { name: 'Leads' }).click()
  await alder.getByRole('button', { name: 'New', exact: true }).click()
  await alder.getByRole('textbox', { name: 'Last Name' }).fill('Half a name')
  const address = alder.url()
  const second = await follow(alder, 'Brook Supplies')
  await opened(second)
  expect(new URL(second.url()).search).toBe('?org=org-2')
  expect(await names(second)).toEqual(['Ben'])
  // Two tabs of one org: one of them leads. The other org's tab has the lead of its own.
  await expect.poll(async () => [await leads(brook), await leads(second)].filter(Boolean).length).toBe(1)
  expect(await leads(alder)).toBe(true)
  expect(await alder.getByRole('textbox', { name: 'Last Name' }).inputValue()).toBe('Half a name')
  expect(alder.url()).toBe(address)
  await second.close()
})

it('a link that one of her orgs gives away says nothing of its name here, and is opened as the org that she means', async () => {
  await brook.getByRole('navigation').getByRole('link', { name: 'Connections' }).click()
  await brook.getByRole('button', { name: 'Make an invitation' }).click()
  const invitation = await brook.getByRole('textbox', { name: 'Invitation link' }).inputValue()
  expect(invitation).toMatch(/\/workspace\.html#invite=/)
  await inEngine(brook, (engine) => engine.sync.settled(10_000), null)

  const third = await context.newPage()
  await third.goto(`${relay.origin}/workspace.html?org=org-3`)
  await create(third, 'Copse Trading')
  await third.goto('about:blank')
  await third.goto(invitation)
  await third.getByText('You are about to accept the invitation as Alder Devices').waitFor()
  await third.screenshot({ path: `${screenshots}orgs-invitation.png` })
  expect(await accessibilityProblems(third)).toEqual([])
  await third.getByRole('button', { name: 'Copse Trading' }).click()
  await third.waitForURL(/org=org-3#connections$/)
  await third.getByText('It says it is from').waitFor()
  await third.getByRole('button', { name: 'Accept', exact: true }).click()
  await third.getByLabel('Code to compare').waitFor()
  await brook.getByLabel('Code to compare').waitFor()
  expect(await inEngine(alder, (engine) => engine.connections.list().length, null)).toBe(0)
  await third.goto(`${relay.origin}/workspace.html#connections`)
  await opened(third)
  expect(await third.getByText('You are about to accept').count()).toBe(0)
  await third.close()
})

it('the page of her orgs and the list behind the name are fit for everyone: light, dark and narrow', async () => {
  const orgs = await context.newPage()
  await orgs.goto(`${relay.origin}/orgs.html`)
  for (const name of ['Alder Devices', 'Brook Supplies', 'Copse Trading']) await orgs.getByRole('heading', { name }).waitFor()
  await orgs.getByRole('textbox').fill('https://elsewhere.example/workspace.html#invite=abc')
  await orgs.getByRole('button', { name: 'Join' }).click()
  await orgs.getByText('This is no link for a device.').waitFor()
  await brook.getByRole('button', { name: 'Orgs in this browser' }).click()
  for (const [width, colorScheme] of [
    [1280, 'light'],
    [390, 'dark'],
  ] as const)
    for (const [name, page] of [
      ['page', orgs],
      ['list', brook],
    ] as const) {
      await page.setViewportSize({ width, height: 850 })
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      expect(await accessibilityProblems(page)).toEqual([])
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width)
      await page.screenshot({ path: `${screenshots}orgs-${name}-${width}.png` })
    }
  expect(problems).toEqual([])
})
