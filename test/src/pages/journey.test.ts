import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { RelayProcess } from '../node/relay-process.js'
import { accessibilityProblems, buildPages, launchChromium, screenshots } from './chromium.js'
import { Person } from './person.js'

// The whole way of two people who have never seen the app, by its screens alone: each in a browser of their own, with the built app and a real relay. At every
// station the page is held to what everyone needs of it. Screenshots of each station are left in test/screenshots.

let directory = ''
let relay: RelayProcess
let browser: Browser
let vera: Person
let paul: Person
/** The deal that both work on. */
let deal = ''

const stages = ['Qualification', 'Needs Analysis', 'Proposal/Price Quote', 'Negotiation/Review', 'Closed Won']
const deals = Array.from({ length: 40 }, (_, index) => [
  `Rollout ${String(index + 1).padStart(2, '0')}`,
  stages[index % 5],
  '2027-05-20',
  `${index + 1}000`,
  'Call them',
])

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'entente-journey-'))
  const web = join(directory, 'web')
  await buildPages(web)
  relay = new RelayProcess(join(directory, 'relay'))
  await relay.start(['--web', web])
  browser = await launchChromium()
  await mkdir(screenshots, { recursive: true })
  vera = await Person.at(browser, 'Vera')
  paul = await Person.at(browser, 'Paul')
  const lines = [['Opportunity Name', 'Stage', 'Close Date', 'Amount (EUR)', 'Next Step'], ...deals]
  await writeFile(join(directory, 'deals.csv'), lines.map((line) => line.join(',')).join('\n'))
}, 120_000)

afterAll(async () => {
  await browser?.close()
  await relay?.kill()
  await rm(directory, { recursive: true, force: true })
})

afterEach(async ({ task }) => {
  if (task.result?.state === 'fail')
    for (const { page } of [vera, paul])
      await page.screenshot({ path: `${screenshots}journey-${page === vera.page ? 'vera' : 'paul'}-failed-${task.name.slice(0, 12)}.png` })
})

it('Vera begins: her org, and her deals from a file', async () => {
  await vera.page.goto(`${relay.origin}/workspace.html`)
  await vera.type(vera.field('Company'), 'Alder Devices')
  await vera.finds('begin')
  await vera.type(vera.field('Your name'), 'Vera')
  await vera.press('Enter')
  await vera.sees('No opportunities yet')
  await vera.finds('empty list')
  await vera.click(vera.button('Import'))
  await vera.finds('choose a file')
  await vera.pickFile(vera.page.getByLabel('Choose a CSV file, or drop it here'), join(directory, 'deals.csv'))
  await vera.button('Check 40 rows').waitFor()
  await vera.finds('columns')
  await vera.click(vera.button('Check 40 rows'))
  await vera.button('Import 40').waitFor()
  await vera.finds('rows')
  await vera.click(vera.button('Import 40'))
  await vera.click(vera.button('Done'))
  await vera.sees(/^Rollout/)
  await vera.finds('list')
  // The list fills the window.
  expect((await vera.page.getByRole('grid').boundingBox())?.height).toBeGreaterThan(500)
})

it('Vera invites Paul, and both compare the codes', async () => {
  await vera.click(vera.tab('Connections'))
  await vera.finds('no connection')
  await vera.click(vera.button('Make an invitation'))
  const link = await vera.field('Invitation link').inputValue()
  await vera.click(vera.button('Copy'))
  await vera.finds('invitation')

  await paul.page.goto(link)
  await paul.type(paul.field('Company'), 'Brook & Co')
  await paul.type(paul.field('Your name'), 'Paul')
  await paul.press('Enter')
  await paul.button('Accept').waitFor()
  // The secret has left the address, and a reload loses nothing.
  expect(paul.page.url()).not.toContain('invite')
  await paul.page.reload()
  await paul.sees(/It says it is from/)
  await paul.sees('Alder Devices')
  await paul.finds('invited')
  await paul.click(paul.button('Accept'))
  const codes = [vera, paul].map(({ page }) => page.getByRole('status', { name: 'Code to compare' }))
  const [first, second] = await Promise.all(codes.map((code) => code.textContent()))
  expect(first?.replaceAll(/\s/g, '')).toMatch(/^\d{12}$/)
  expect(second).toBe(first)
  await vera.finds('codes')
  await vera.click(vera.button('They are the same'))
  await vera.sees('Brook & Co is still to compare the codes')
  await vera.finds('half compared')
  await paul.click(paul.button('They are the same'))
  for (const person of [vera, paul]) await person.sees('Codes compared')
})

it('they agree on fields', async () => {
  await vera.click(vera.link('choose the fields'))
  await vera.click(vera.button('Tick the usual ones'))
  await vera.finds('proposal')
  await vera.click(vera.button('Propose 7 fields'))

  await paul.click(paul.link('look at it'))
  await paul.button('Accept 7 fields').waitFor()
  await paul.finds('proposed')
  await paul.click(paul.button('Accept 7 fields'))
  for (const person of [vera, paul]) {
    await person.sees('Both sides hold the same agreement')
    await person.finds('agreed')
  }
})

it('Vera shares by a rule, and says who may export', async () => {
  await vera.click(vera.link('choose the records'))
  await vera.click(vera.button('Add a condition'))
  for (const stage of ['Qualification', 'Needs Analysis']) await vera.click(vera.button(stage))
  await vera.sees(/16 of 40/)
  await vera.finds('rule')
  await vera.click(vera.button('Save the rule'))
  await vera.click(vera.link('say who may'))
  await vera.finds('people')
  await vera.click(vera.button('Grant'))
  await vera.sees('May export')
})

it('Paul exports on the partner site', async () => {
  paul.clicks += 2
  await paul.page.goto(`${relay.origin}/site.html`)
  await paul.sees(/^Rollout/)
  await paul.finds('site')
  await paul.click(paul.page.getByRole('checkbox', { name: /^Choose all/ }))
  await paul.click(paul.button('Export 16'))
  await paul.sees('Finished')
  await paul.finds('exported')
})

it('Vera’s next change shows in Paul’s mirror', async () => {
  await vera.click(vera.tab('Opportunities'))
  const shared = vera.page.getByRole('row', { name: 'Brook & Co' }).first()
  deal = (await shared.getByRole('rowheader').textContent())?.trim() ?? ''
  await vera.click(shared)
  await vera.focusIsOn(vera.page.getByRole('heading', { name: deal }))
  await vera.type(vera.field('Next Step'), 'Bring the offer')
  await vera.press('Enter')
  await vera.sees('All changes are saved on this device')

  // The row of an exported record leads to its copy, beside which the mirror stands.
  await paul.click(paul.page.getByRole('row', { name: deal }))
  await paul.page.locator('entente-external').getByText('Bring the offer').waitFor()
  await paul.finds('mirror')
  expect(vera.clicks, 'Vera’s clicks').toBeLessThanOrEqual(25)
  expect(paul.clicks, 'Paul’s clicks').toBeLessThanOrEqual(11)
})

it('and Paul’s in hers; what either does without a network arrives when it is back', async () => {
  await paul.type(paul.field('Next Step'), 'Ask for the budget')
  await paul.press('Enter')
  const mirror = vera.page.locator('entente-external')
  await mirror.getByText('Ask for the budget').waitFor()
  await vera.finds('record')
  await vera.page.setViewportSize({ width: 390, height: 850 })
  const [own, theirs] = await Promise.all([vera.page.getByRole('heading', { name: deal }).boundingBox(), mirror.boundingBox()])
  expect(own?.y).toBeLessThan(theirs?.y ?? 0)
  await vera.page.setViewportSize({ width: 1280, height: 850 })

  await vera.network(false)
  await vera.sees('Offline')
  await vera.type(vera.field('Next Step'), 'Sign the offer')
  await vera.press('Enter')
  await vera.sees('1 change waits')
  await vera.finds('offline')
  await paul.type(paul.field('Next Step'), 'Budget is there')
  await paul.press('Enter')
  await paul.sees('All changes sent')
  expect(await mirror.getByText('Budget is there').count()).toBe(0)
  await vera.network(true)
  await mirror.getByText('Budget is there').waitFor()
  await paul.page.locator('entente-external').getByText('Sign the offer').waitFor()
  await vera.sees('All changes sent')
  for (const { errors } of [vera, paul]) expect(errors.filter((text) => !text.includes('WebSocket'))).toEqual([])
})

it('Mia, a colleague, joins by a link and a code; she works, and Vera sees it', async () => {
  await vera.click(vera.tab('Devices'))
  await vera.type(vera.field('Name'), 'Mia')
  await vera.click(vera.button('Make a link'))
  const link = await vera.field('Link for Mia').inputValue()
  await vera.finds('devices')
  const mia = await Person.at(browser, 'Mia')
  await mia.page.goto(link)
  const codes = [vera, mia].map(({ page }) => page.getByRole('status', { name: 'Code to compare' }))
  const [first, second] = await Promise.all(codes.map((code) => code.textContent()))
  expect(first?.replaceAll(/\s/g, '')).toMatch(/^\d{12}$/)
  expect(second?.replaceAll(/\s/g, '')).toBe(first?.replaceAll(/\s/g, ''))
  expect(mia.page.url()).not.toContain('device=')
  await mia.finds('joining')
  await vera.click(vera.button('They are the same'))
  await mia.click(mia.page.getByRole('row', { name: deal }))
  await mia.type(mia.field('Next Step'), 'Mia calls them')
  await mia.press('Enter')
  await mia.sees('All changes sent')
  await mia.click(mia.tab('Devices'))
  await mia.sees('Admins of your org change people and devices. You may rename your own device.')
  await mia.finds('devices')
  await vera.sees('Online in the last ten minutes')
  await vera.click(vera.tab('Opportunities'))
  await vera.click(vera.page.getByRole('row', { name: deal }))
  await expect.poll(() => vera.field('Next Step').inputValue()).toBe('Mia calls them')

  // An edit is at the colleague and at the partner within a second, also after the org has changed its keys: of three the quickest counts, whatever else the machine does.
  await mia.click(mia.tab('Opportunities'))
  await mia.click(mia.page.getByRole('row', { name: deal }))
  const crossing = async (text: string): Promise<number> => {
    await mia.type(mia.field('Next Step'), text)
    await mia.press('Enter')
    const from = Date.now()
    await Promise.all([
      expect.poll(() => vera.field('Next Step').inputValue(), { interval: 20 }).toBe(text),
      paul.page.locator('entente-external').getByText(text).waitFor(),
    ])
    return Date.now() - from
  }
  expect(Math.min(await crossing('One'), await crossing('Two'), await crossing('Three'))).toBeLessThan(1_000)
  await vera.click(vera.tab('Devices'))
  await vera.click(vera.button('Change the keys'))
  await vera.click(vera.button('Change them'))
  await vera.sees(/They have changed once/)
  await vera.finds('keys')
  await vera.click(vera.tab('Opportunities'))
  await vera.click(vera.page.getByRole('row', { name: deal }))
  expect(Math.min(await crossing('Four'), await crossing('Five'), await crossing('Six'))).toBeLessThan(1_000)
  expect(mia.errors).toEqual([])
  await mia.page.close()
})

it('on paper, the list is all of its rows, and nothing to press', async () => {
  await vera.click(vera.tab('Sync'))
  await vera.finds('sync')
  await vera.click(vera.tab('Audit'))
  await vera.click(vera.button('Check the list'))
  await vera.sees(/lines are as they were written/)
  await vera.finds('audit')
  expect(await vera.button('Cut the wire').count()).toBe(0)
  for (const name of ['Leads', 'Settings']) {
    await vera.click(vera.tab(name))
    await vera.finds(name.toLowerCase())
  }
  await vera.click(vera.tab('Opportunities'))
  await vera.page.getByRole('row').nth(1).waitFor()
  await vera.page.emulateMedia({ media: 'print' })
  await vera.page.evaluate(() => dispatchEvent(new Event('beforeprint')))
  await vera.page.getByRole('row').nth(40).waitFor()
  expect(await vera.page.getByRole('row').count()).toBe(41)
  expect(await vera.page.getByRole('navigation').count()).toBe(0)
  const pressed = await vera.page.getByRole('button').allTextContents()
  expect(pressed).toHaveLength(await vera.page.getByRole('columnheader').getByRole('button').count())
  await vera.page.screenshot({ path: `${screenshots}journey-paper.png`, fullPage: true })
  await vera.page.pdf({ path: `${screenshots}journey-paper.pdf`, format: 'A4' })
  await vera.page.evaluate(() => dispatchEvent(new Event('afterprint')))
  await vera.page.emulateMedia({ media: 'screen' })
})

it('the other pages are fit for everyone too', async () => {
  for (const name of ['index', 'rehearsal']) {
    await vera.page.goto(`${relay.origin}/${name}.html`)
    await vera.page.getByRole('heading', { level: 1 }).waitFor()
    await vera.finds(name)
  }
  // Of the rehearsal: it points at what to use, and asks before it forgets all.
  await vera.click(vera.button('Show me where'))
  for (const thing of [vera.button('Make an invitation'), vera.page.getByLabel('The link that the vendor’s admin sent you')]) {
    const isPointedAt = (): Promise<boolean> => thing.evaluate((element) => element.getAnimations().some(({ id }) => id === 'pointed-at'))
    await expect.poll(isPointedAt).toBe(true)
  }
  await vera.page.screenshot({ path: `${screenshots}journey-show-me-where.png` })
  await vera.click(vera.button('Start over'))
  await vera.page.getByRole('alertdialog').waitFor()
  await vera.finds('start over')
  await vera.click(vera.button('Cancel'))
  await vera.page.getByRole('alertdialog').waitFor({ state: 'detached' })
  await vera.button('Show me where').waitFor()
})

it('Vera’s browser loses her org: its kit brings it back whole, and the mirrors go on', async () => {
  const { page } = vera
  const [kit, passphrase] = [join(directory, 'kit.json'), page.locator('.secret')]
  await page.goto(`${relay.origin}/workspace.html`)
  await vera.click(vera.button('Save the recovery kit'))
  await vera.click(vera.button('Make the kit'))
  await saved(vera, 'Save the file', kit)
  const words = (await passphrase.textContent()) ?? ''
  const bring = async (): Promise<void> => {
    await page.getByLabel('File of the kit').setInputFiles(kit)
    await vera.field('Passphrase').fill(words)
  }
  await bring()
  await vera.click(vera.button('Check and finish'))
  await vera.click(vera.tab('Settings'))
  await saved(vera, 'Save a backup', join(directory, 'org.entente-backup'))
  const names = await dealsOf(vera)

  await forgets(vera, 'indexeddb')
  await vera.sees('This browser has lost its copy of Alder Devices.')
  await bring()
  await vera.click(vera.button('See what it brings back'))
  const restore = vera.button('Restore')
  await restore.waitFor()
  await vera.focusIsOn(page.getByRole('heading', { name: 'Restore your org' }))
  expect(await accessibilityProblems(page)).toEqual([])
  await page.screenshot({ path: `${screenshots}journey-vera-found-by-the-kit.png` })
  await vera.click(restore)
  expect(await dealsOf(vera)).toEqual(names)
  const latest = vera.button('It is the latest')
  await vera.click(vera.tab('Connections'))
  const same = vera.button('They are the same')
  await latest.or(same).first().waitFor()
  if (await latest.isVisible()) await vera.click(latest)
  await vera.click(same)
  await paul.page.goto(`${relay.origin}/workspace.html#connections`)
  await paul.click(paul.button('They are the same'))
  for (const person of [vera, paul]) await person.sees('Codes compared')
  await vera.click(vera.tab('Opportunities'))
  await vera.click(page.getByRole('row', { name: deal }))
  await page.locator('entente-external').getByText('Budget is there').waitFor()
  await vera.type(vera.field('Next Step'), 'Back again')
  await vera.press('Enter')
  await paul.click(paul.tab('Opportunities'))
  await paul.click(paul.page.getByRole('row', { name: deal }))
  await paul.page.locator('entente-external').getByText('Back again').waitFor()

  // All of its storage goes, and she has a backup.
  await forgets(vera, 'all')
  await vera.click(vera.button('Restore an org instead'))
  await bring()
  await page.getByLabel('Backup, if you have one').setInputFiles(join(directory, 'org.entente-backup'))
  await vera.press('Enter')
  await vera.click(restore)
  expect(await dealsOf(vera)).toEqual(names)
  expect([...vera.errors, ...paul.errors].filter((text) => !text.includes('WebSocket'))).toEqual([])
})

/** Saves what a page offers as a download. */
async function saved(person: Person, button: string, file: string): Promise<void> {
  const offered = person.page.waitForEvent('download')
  await person.click(person.button(button))
  await (await offered).saveAs(file)
}

/** The names of the first twenty deals, as the list has them. */
async function dealsOf(person: Person): Promise<readonly string[]> {
  await person.click(person.tab('Opportunities'))
  await person.page.getByRole('row').nth(20).waitFor()
  return (await person.page.getByRole('rowheader').allTextContents()).slice(0, 20)
}

/** The browser deletes what the page has stored, and the page is opened again. */
async function forgets({ page }: Person, storageTypes: string): Promise<void> {
  await page.goto('about:blank')
  const debug = await page.context().newCDPSession(page)
  await debug.send('Storage.clearDataForOrigin', { origin: relay.origin, storageTypes })
  await page.goto(`${relay.origin}/workspace.html`)
}
