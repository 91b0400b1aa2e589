import type { ConnectionView, Engine } from '@entente/engine'
import { type BrowserContext, chromium, type Page } from 'playwright'
import { chromiumFlags, chromiumPath } from '../node/chromium-process.js'

// Orgs in the app as it is built, for benchmarks: what a person would do by many clicks is done through the page's engine.

/** A Chromium with a store on the disk. */
export function openChromium(profile: string): Promise<BrowserContext> {
  return chromium.launchPersistentContext(profile, {
    executablePath: chromiumPath(),
    args: [...chromiumFlags],
    viewport: { width: 1280, height: 850 },
    locale: 'en-GB',
    timezoneId: 'UTC',
  })
}

/** The build writes to the standard output, which is for the figures. */
export async function quietly(run: () => Promise<void>): Promise<void> {
  const { log, info } = console
  const silent = (): void => undefined
  Object.assign(console, { log: silent, info: silent })
  try {
    await run()
  } finally {
    Object.assign(console, { log, info })
  }
}

/** Makes an org, open in a new page. */
export async function createOrg(context: BrowserContext, address: string, company: string, name: string): Promise<Page> {
  const page = await context.newPage()
  await page.goto(address)
  await page.getByRole('textbox', { name: 'Company' }).fill(company)
  await page.getByRole('textbox', { name: 'Your name' }).fill(name)
  await page.getByRole('button', { name: 'Create' }).click()
  await page.getByText('Online', { exact: true }).waitFor()
  return page
}

/** Makes so many opportunities, of which every second one is private. */
export async function makeOpportunities(page: Page, count: number): Promise<void> {
  await inEngine(
    page,
    async (engine, rows) => {
      const stages = ['Prospecting', 'Qualification', 'Negotiation/Review', 'Closed Won']
      const values = (index: number): Record<string, unknown> => ({
        Name: `Router refresh ${index}`,
        AccountName: `Account ${index % 900}`,
        StageName: stages[index % 4],
        Amount: { amount: `${1000 + index}.00`, currency: 'EUR' },
        CloseDate: `2027-0${1 + (index % 9)}-1${index % 10}`,
        NextStep: `Call ${index}`,
        Type: index % 2 === 0 ? 'New Customer' : 'Existing Customer - Upgrade',
        LeadSource: 'Web',
        OwnerName: `Owner ${index % 20}`,
        Description: `Notes on opportunity ${index}, as long as people write them after a first call.`,
        IsPrivate: index % 2 === 1,
      })
      const list = Array.from({ length: rows }, (_, index) => values(index))
      await engine.records.createMany('Opportunity', list)
    },
    count,
  )
}

/** Waits until the page has opened its org. */
export async function opened(page: Page): Promise<void> {
  await page.waitForFunction(() => {
    const app: (Element & { readonly engine?: unknown }) | null = document.querySelector('workspace-app, site-app')
    return app?.engine !== undefined
  })
}

/** Calls a function in the page, with the engine of the org that is open there. It sees nothing of this file. */
export function inEngine<Argument, Result>(
  page: Page,
  run: (engine: Engine, argument: Argument) => Result | Promise<Result>,
  argument: Argument,
): Promise<Result> {
  return page.evaluate<Result>(`(${run.toString()})(document.querySelector('workspace-app, site-app').engine, ${JSON.stringify(argument)})`)
}

export async function until<Argument>(page: Page, run: (engine: Engine, argument: Argument) => boolean, argument: Argument): Promise<void> {
  while (!(await inEngine(page, run, argument))) await page.waitForTimeout(250)
}

/**
 * Connects two orgs, open in a page each, and shares the vendor's records that are not private by a rule.
 *
 * @param expected how many these are
 */
export async function connectAndShare(vendor: Page, partner: Page, expected: number): Promise<ConnectionView['id']> {
  const both = [vendor, partner]
  const base = 'https://vendor.example/connect'
  const link = await inEngine(vendor, async (engine, page) => (await engine.connections.invite(page)).invitation?.link ?? '', base)
  await inEngine(partner, async (engine, invitation) => void (await engine.connections.accept(invitation)), link)
  for (const page of both) await until(page, (engine) => engine.connections.list().some(({ code }) => code !== undefined), null)
  const id = (await inEngine(vendor, (engine) => engine.connections.list()[0]?.id, null)) ?? ('' as ConnectionView['id'])
  for (const page of both) await inEngine(page, (engine, connection) => engine.connections.compareCodes(connection, true), id)
  for (const page of both) await until(page, (engine, connection) => engine.connections.get(connection)?.state === 'Enabled', id)
  await inEngine(
    vendor,
    (engine, connection) => {
      const names = ['Name', 'StageName', 'Amount', 'CloseDate', 'NextStep']
      const fields = engine.records.schema('Opportunity').fields.filter(({ name }) => names.includes(name))
      return engine.agreements.propose(connection, {
        objects: { Opportunity: { fields: fields.map((field) => ({ field, update: field.name !== 'Amount' })) } },
      })
    },
    id,
  )
  await until(partner, (engine, connection) => engine.agreements.get(connection)?.proposal !== undefined, id)
  await inEngine(
    partner,
    (engine, connection) => {
      const fields = engine.agreements.suggest(connection, 'Opportunity')
      return engine.agreements.accept(connection, { objects: { Opportunity: { fields } } })
    },
    id,
  )
  await until(vendor, (engine, connection) => engine.agreements.get(connection)?.effective !== undefined, id)
  await inEngine(
    vendor,
    (engine, connection) => {
      const shared = { field: 'IsPrivate', operator: 'equals', value: false } as const
      return engine.sharing.setRule(connection, 'Opportunity', { match: 'all', conditions: [shared], added: [], hidden: [] })
    },
    id,
  )
  await until(partner, (engine, { connection, count }) => engine.site.listings(connection, 'Opportunity').total >= count, {
    connection: id,
    count: expected,
  })
  await until(vendor, (engine) => engine.sync.status().waiting === 0, null)
  return id
}
