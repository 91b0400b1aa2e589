import type { Engine } from '@entente/engine'
import type { JSHandle, Page } from 'playwright'
import { ChromiumProcess } from '../node/chromium-process.js'
import { Chance } from './chance.js'

export interface BrowserKillPlan {
  readonly times: number
  /** The same seed gives the same work and the same moments, as far as the machine allows. */
  readonly seed: number
  /** The address of the workspace, and an empty directory for Chromium's profile. */
  readonly workspace: string
  readonly profile: string
  /** Rows of each import. */
  readonly rows: number
}

/** Figures of a run; `bad` sums up all that must be 0. */
export interface BrowserKillReport {
  readonly seed: number
  readonly killed: number
  readonly whileTyping: number
  readonly whileSaving: number
  readonly whileImporting: number
  /** Saves that the engine acknowledged to the page, and of these the records that were made. */
  readonly acknowledged: number
  readonly created: number
  /** Imports that a kill stopped half-way, and that went on to their end. */
  readonly resumed: number
  /** Characters of drafts that were typed a second or more before the kill. */
  readonly typed: number
  readonly lostSaves: number
  /** Saves whose step is missing in the undo log. */
  readonly lostSteps: number
  readonly lostDrafts: number
  /** Imports with rows here and no word of it, or with another number of rows than the word says. */
  readonly unnoticed: number
  /** Imports that were not whole after they went on. */
  readonly wrongImports: number
  readonly bad: number
  readonly seconds: number
}

/** What must be there after the next kill. */
interface Expected {
  /** The highest save of the one record that was acknowledged, and the records that were made. */
  saved: number
  readonly created: Set<string>
  /** What was typed, with when. */
  typed: { readonly text: string; readonly at: number }[]
  /** Imports by the company that their rows name. */
  readonly imports: Map<string, { id: string | undefined; done: boolean }>
}

const patience = { timeout: 30_000 }

/**
 * Kills Chromium with SIGKILL again and again while a person types, saves and imports in the workspace, and looks each time at what is there afterwards: nothing
 * acknowledged is lost, a draft holds what was typed up to a second before, and no import is half done without a notice. The workspace must be served.
 *
 * @param tell is given a line per kill
 */
export async function killBrowser(plan: BrowserKillPlan, tell: (line: string) => void = () => {}): Promise<BrowserKillReport> {
  const began = performance.now()
  const chance = new Chance(plan.seed)
  const expected: Expected = { saved: -1, created: new Set(), typed: [], imports: new Map() }
  const counts = { whileTyping: 0, whileSaving: 0, whileImporting: 0, acknowledged: 0, resumed: 0, typed: 0 }
  const faults = { lostSaves: 0, lostSteps: 0, lostDrafts: 0, unnoticed: 0, wrongImports: 0 }
  let record = ''
  /** What the page has put on its console. */
  let said: string[] = []
  for (let killed = 0; ; killed++) {
    const chromium = await ChromiumProcess.start(plan.profile)
    try {
      const { page } = chromium
      said = []
      page.on('console', (message) => said.push(message.text()))
      page.on('pageerror', ({ message }) => said.push(message))
      await page.goto(killed === 0 ? plan.workspace : `${plan.workspace}#record/Lead/${record}`)
      if (killed === 0) record = await makeOrg(page)
      const engine = await engineOf(page).catch(async (error: unknown) => {
        const shown = await page.locator('body').innerText()
        throw new Error(`After ${killed} kills the page shows no org, but this: ${shown}\nIts console: ${said.join('\n')}`, {
          cause: error,
        })
      })
      await check(engine, page)
      if (killed === plan.times) break
      const work = [typing, saving, importing][killed % 3] ?? typing
      await work(engine, page)
      await chromium.kill()
      tell(`${killed + 1} kills, ${counts.acknowledged} saves acknowledged, ${counts.resumed} imports resumed, ${JSON.stringify(faults)}`)
    } finally {
      await chromium.kill()
    }
  }
  const { lostSaves, lostSteps, lostDrafts, unnoticed, wrongImports } = faults
  return {
    seed: plan.seed,
    killed: plan.times,
    ...counts,
    created: expected.created.size,
    ...faults,
    bad: lostSaves + lostSteps + lostDrafts + unnoticed + wrongImports,
    seconds: Math.round((performance.now() - began) / 100) / 10,
  }

  // ---- what is there

  async function check(engine: JSHandle<Engine>, page: Page): Promise<void> {
    await checkSaves(engine)
    await checkDraft(engine, page)
    for (const [name, began] of expected.imports) await checkImport(engine, name, began)
    expected.imports.clear()
  }

  async function checkSaves(engine: JSHandle<Engine>): Promise<void> {
    const found = await engine.evaluate(
      (it, { id, created }) => ({
        saved: Number(it.records.get('Lead', id)?.values['Description'] ?? -1),
        missing: created.filter((each) => it.records.get('Lead', each) === undefined).length,
        step: it.undo.last('Lead', id) !== undefined,
      }),
      { id: record, created: [...expected.created] },
    )
    if (found.saved < expected.saved) faults.lostSaves++
    faults.lostSaves += found.missing
    if (!found.step) faults.lostSteps++
    expected.saved = found.saved
  }

  async function checkDraft(engine: JSHandle<Engine>, page: Page): Promise<void> {
    const durable = expected.typed.at(-1)?.text ?? ''
    expected.typed = []
    if (durable === '') return
    counts.typed += durable.length
    const kept = await engine.evaluate((it, id) => it.drafts.of('Lead', id)?.values['Title'] ?? '', record)
    if (typeof kept !== 'string' || !kept.startsWith(durable)) {
      faults.lostDrafts++
      return
    }
    // The person sees it, takes it, and saves it.
    await page.getByText('You have unsaved changes from').waitFor(patience)
    await page.getByRole('button', { name: 'Keep' }).click()
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByText('Saved.', { exact: true }).waitFor(patience)
    const saved = await engine.evaluate((it, id) => [it.records.get('Lead', id)?.values['Title'], it.drafts.list().length] as const, record)
    if (saved[0] !== kept || saved[1] !== 0) faults.lostDrafts++
  }

  async function checkImport(
    engine: JSHandle<Engine>,
    name: string,
    { id, done }: { id: string | undefined; done: boolean },
  ): Promise<void> {
    const look = (): Promise<{ rows: number; state: string; written: number; id: string } | { rows: number; state: undefined }> =>
      engine.evaluate((it, company) => {
        const query = { conditions: [{ field: 'Company', operator: 'equals', value: company }] } as const
        const rows = it.records.list('Lead', query).records.length
        const view = it.imports.list().find((each) => each.name === company)
        return view ? { rows, state: view.state, written: view.done, id: view.id } : { rows, state: undefined }
      }, name)
    const found = await look()
    if (found.state === undefined) {
      // Killed before it began, or else it is lost.
      if (id !== undefined || found.rows > 0) faults.unnoticed++
      return
    }
    const isWhole = found.state === 'done' && found.rows === plan.rows
    // For some seconds after a crash it is taken for one that another tab still runs. It is listed all the same.
    const isListed = found.state === 'stopped' || found.state === 'running'
    if (found.rows !== found.written || (!isWhole && !isListed) || (done && !isWhole)) faults.unnoticed++
    if (isWhole) return
    await engine.evaluate((it, one) => it.imports.run(one), found.id)
    counts.resumed++
    const after = await look()
    if (after.state !== 'done' || after.rows !== plan.rows) faults.wrongImports++
  }

  // ---- what a person does, until the kill

  async function typing(_engine: JSHandle<Engine>, page: Page): Promise<void> {
    counts.whileTyping++
    const field = page.getByLabel('Title', { exact: true })
    await field.fill('')
    const until = performance.now() + chance.between(1_200, 2_500)
    const typed: Expected['typed'] = []
    for (let text = ''; performance.now() < until;) {
      const letter = String.fromCharCode(chance.between(97, 122))
      await page.keyboard.type(letter)
      text += letter
      typed.push({ text, at: performance.now() })
      if (text.length >= 100) break
      await pause(chance.between(5, 90))
    }
    const now = performance.now()
    expected.typed = typed.filter(({ at }) => at <= now - 1_000)
  }

  async function saving(engine: JSHandle<Engine>, page: Page): Promise<void> {
    counts.whileSaving++
    const acknowledge = (kind: 'saved' | 'created', what: string | number): void => {
      counts.acknowledged++
      if (kind === 'saved') expected.saved = Number(what)
      else expected.created.add(String(what))
    }
    await page.exposeFunction('acknowledge', acknowledge)
    void engine
      .evaluate(
        async (it, { id, from }) => {
          const said = (globalThis as unknown as { acknowledge: typeof acknowledge }).acknowledge
          for (let count = from; ; count++) {
            await it.records.edit('Lead', id, { Description: String(count) })
            said('saved', count)
            if (count % 3 === 0)
              said(
                'created',
                await it.records.create('Lead', { LastName: `Made ${count}`, Company: 'Made', Status: 'Open - Not Contacted' }),
              )
          }
        },
        { id: record, from: expected.saved + 1 },
      )
      .catch(() => undefined)
    await pause(chance.between(50, 900))
  }

  async function importing(engine: JSHandle<Engine>, page: Page): Promise<void> {
    counts.whileImporting++
    const name = `Import ${counts.whileImporting}`
    const known: { id: string | undefined; done: boolean } = { id: undefined, done: false }
    expected.imports.set(name, known)
    let begin = (): void => undefined
    const begun = new Promise<void>((resolve) => (begin = resolve))
    await page.exposeFunction('tellImport', (id: string, done: boolean) => {
      Object.assign(known, { id, done })
      begin()
    })
    void engine
      .evaluate(
        async (it, { company, count }) => {
          const said = (globalThis as unknown as { tellImport(id: string, done: boolean): void }).tellImport
          const values = (row: number) => ({ LastName: `Row ${row}`, Company: company, Status: 'Open - Not Contacted' })
          const id = await it.imports.start(
            'Lead',
            company,
            Array.from({ length: count }, (_, row) => ({ values: values(row) })),
          )
          said(id, false)
          await it.imports.run(id)
          said(id, true)
        },
        { company: name, count: plan.rows },
      )
      .catch(() => undefined)
    // Mostly in the midst of writing its rows, sometimes while they are checked and kept.
    if (chance.happens(0.8)) await begun
    await pause(chance.between(0, 400))
  }
}

/** Makes the org by the screen, and the one record that is edited. */
async function makeOrg(page: Page): Promise<string> {
  await page.getByRole('textbox', { name: 'Company' }).fill('Alder Devices')
  await page.getByRole('textbox', { name: 'Your name' }).fill('Vera')
  await page.getByRole('button', { name: 'Create' }).click()
  const engine = await engineOf(page)
  const id = await engine.evaluate((it) =>
    it.records.create('Lead', { LastName: 'Berg', Company: 'Made', Status: 'Open - Not Contacted', Title: 'Buyer' }),
  )
  await page.goto(`${page.url().split('#')[0]}#record/Lead/${id}`)
  await page.getByLabel('Title', { exact: true }).waitFor(patience)
  return id
}

/** The engine of the page's org, once it is open. */
async function engineOf(page: Page): Promise<JSHandle<Engine>> {
  await page.locator('org-desk').waitFor(patience)
  // A page shows an org's engine to its own elements only; the debugger looks into them.
  return page.evaluateHandle<Engine>(`document.querySelector('workspace-app').engine`)
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
