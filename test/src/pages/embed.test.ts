import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import type { Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Engine } from '@entente/engine'
import type { Browser, BrowserContext, Page } from 'playwright'
import { build } from 'vite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { RelayProcess } from '../node/relay-process.js'
import { openOrg, until } from '../walkthrough/orgs.js'
import { accessibilityProblems, buildPages, launchChromium, screenshots } from './chromium.js'
import { originOf, serveFiles } from './static-host.js'

// Vera's CRM has pages of its own, and each shows what Paul's org says of her record: by the steps of docs/embed.md, and by the examples of web/examples, each
// installed from the packages into a folder of its own. Paul works elsewhere. Screenshots are left in test/screenshots.

const patience = { timeout: 20_000 }
const root = fileURLToPath(new URL('../../../', import.meta.url))
const examples = ['html', 'vite', 'react'] as const
type Example = (typeof examples)[number]

let directory = ''
let web = ''
let relay: RelayProcess
let elsewhere: Server
let browser: Browser
let context: BrowserContext
let workspace: Page
let partner: Engine
/** Vera's record, and Paul's copy of it. */
let record = ''
let copy = ''
let documented: Awaited<ReturnType<typeof readSnippets>>
let installed: Promise<void> | undefined
const problems: string[] = []
const warnings: string[] = []

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'entente-embed-'))
  web = join(directory, 'web')
  await buildPages(web)
  await build({ configFile: `${root}vite.tag.config.ts`, logLevel: 'error', build: { outDir: web } })
  // What it installs and builds takes as long as all that stands before it.
  installed = installExamples()
  installed.catch(() => undefined)
  elsewhere = await serveFiles(web)
  relay = new RelayProcess(join(directory, 'relay'))
  await relay.start(['--web', web, '--origin', originOf(elsewhere)])
  documented = await readSnippets()
  browser = await launchChromium()
  context = await browser.newContext({
    viewport: { width: 1000, height: 700 },
    locale: 'en-GB',
    timezoneId: 'UTC',
    reducedMotion: 'reduce',
  })
  context.on('page', (page) => {
    page.on('pageerror', (error) => problems.push(error.message))
    page.on('console', (message) => {
      // Every browser asks for an icon, and a page need not have one.
      if (message.type() === 'error' && !message.location().url.endsWith('/favicon.ico')) problems.push(message.text())
      if (message.type() === 'warning') warnings.push(message.text())
    })
  })
  await mkdir(screenshots, { recursive: true })
  await connectBoth()
}, 120_000)

afterAll(async () => {
  await installed?.catch(() => undefined)
  await browser?.close()
  await partner?.close()
  await relay?.kill()
  elsewhere?.close()
  await rm(directory, { recursive: true, force: true })
})

it('the page of docs/embed.md shows the mirror, and follows Paul', async () => {
  const page = await open('crm.html', documented.page)
  await page.getByText('Call the buyer').waitFor(patience)
  await page.getByText('Live, changed').waitFor(patience)
  await partner.records.edit('Opportunity', copy, { NextStep: 'Bring the signed offer' })
  await page.getByText('Bring the signed offer').waitFor(patience)
  expect(await accessibilityProblems(page)).toEqual([])
  await page.screenshot({ path: `${screenshots}embed-live.png` })
  expect(problems).toEqual([])
  await page.close()
})

it.each(['classic', 'pinned'] as const)('its %s script does the same, and the strict policy holds', async (way) => {
  const page = await open(`crm-${way}.html`, withPolicy(documented.page.replace(scriptLine, documented[way])))
  await page.getByText('Bring the signed offer').waitFor(patience)
  expect(problems).toEqual([])
  await page.close()
})

it('a second copy of the script warns with both versions, and breaks nothing', async () => {
  warnings.length = 0
  const twice = withPolicy(documented.page.replace(scriptLine, `$&${documented.classic}`))
  const page = await open('crm-twice.html', twice)
  await page.getByText('Bring the signed offer').waitFor(patience)
  expect(warnings).toEqual(['Version 0.1.0 of entente.js is already on this page; version 0.1.0 is left out. Load it once.'])
  expect(problems).toEqual([])
  await page.close()
})

it('an unknown record, one that nobody follows and a missing org each look like what they are', async () => {
  const unknown = await open('crm-unknown.html', documented.page.replace('RECORD', 'nothing-like-it'))
  await unknown.getByText('Alder Devices has no Opportunity “nothing-like-it”').waitFor(patience)
  await unknown.close()
  const alone = await inWorkspace((engine) =>
    engine.records.create('Opportunity', { Name: 'Alone', StageName: 'Prospecting', CloseDate: '2027-03-01' }),
  )
  const unshared = await open('crm-unshared.html', documented.page.replace('RECORD', alone))
  await unshared.getByText('No connected org follows this record').waitFor(patience)
  await unshared.close()
  const nobody = await open('crm-nobody.html', documented.page.replace('org="default"', 'org="nobody"'))
  await nobody.getByText('There is no org “nobody” in this browser').waitFor(patience)
  expect(await nobody.getByRole('link').getAttribute('href')).toBe(`${relay.origin}/workspace.html?org=nobody`)
  await nobody.close()
  expect(problems).toEqual([])
})

it('on another address the script loads, and says that no org is there yet', async () => {
  const page = await open('crm-elsewhere.html', documented.page.replace(scriptLine, documented.pinned), originOf(elsewhere))
  await page.getByText('a page elsewhere cannot join it yet').waitFor(patience)
  await page.screenshot({ path: `${screenshots}embed-elsewhere.png` })
  expect(await accessibilityProblems(page)).toEqual([])
  await page.close()
  problems.length = 0
})

describe('the examples, installed from the packages into folders of their own', () => {
  it('are what docs/embed.md says', async () => {
    for (const [example, file] of [
      ['vite', 'main.js'],
      ['react', 'main.jsx'],
    ] as const)
      for (const line of documented.modules.trim().split('\n'))
        expect(await readFile(join(root, 'web/examples', example, file), 'utf8'), file).toContain(line)
    for (const example of examples) expect(await readFile(join(root, 'web/examples', example, 'index.html'), 'utf8')).toContain(strictest)
  })

  it.for(examples)(
    '%s shows the mirror, under a strict policy and beside hostile styles',
    { timeout: 240_000 },
    async (example, { skip }) => {
      const missing = await installed?.then(
        () => undefined,
        (error: Error) => error.message,
      )
      // Somebody without a network still has the other tests.
      if (missing !== undefined && /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ENETUNREACH/.test(missing) && process.env['CI'] === undefined)
        skip(`npm's registry does not answer, so nothing was installed: ${missing}`)
      expect(missing).toBeUndefined()
      const page = example === 'html' ? await open('examples/html/index.html', await readExample(example)) : await context.newPage()
      await page.goto(`${relay.origin}/examples/${example}/index.html?record=${record}`)
      await page.getByText('Bring the signed offer').waitFor(patience)
      await page.getByText('Online', { exact: true }).waitFor(patience)
      expect(await accessibilityProblems(page)).toEqual([])
      await page.evaluate(beHostile)
      const value = page.getByText('Bring the signed offer')
      expect(await value.evaluate((cell) => [getComputedStyle(cell).fontSize, getComputedStyle(cell).textTransform])).toEqual([
        '14px',
        'none',
      ])
      expect(await value.isVisible()).toBe(true)
      await page.screenshot({ path: `${screenshots}embed-${example}-hostile.png` })
      expect(problems).toEqual([])
      await page.close()
    },
  )
})

it('what was opened once opens again without a network and without the relay, and says as of when it is', { timeout: 90_000 }, async () => {
  const isInstalled = await installed?.then(
    () => true,
    () => false,
  )
  const pages = ['crm.html', ...(isInstalled ? examples.map((example) => `examples/${example}/index.html?record=${record}`) : [])]
  await workspace.evaluate('navigator.serviceWorker.ready.then(() => undefined)')
  const page = await context.newPage()
  const visit = async (path: string): Promise<void> => {
    await page.goto(`${relay.origin}/${path}`)
    await page.getByText('Bring the signed offer').waitFor(patience)
  }
  for (const path of pages) await visit(path)
  // The workspace holds the line, and tells this page when it has gone. Without the workspace the page is on its own.
  await page.getByText('Live, changed').waitFor(patience)
  await relay.kill()
  await page.getByText('Offline, as of').waitFor(patience)
  await workspace.close()
  await context.setOffline(true)
  for (const path of pages) {
    await visit(path)
    await page.getByText('Offline, as of').waitFor(patience)
    expect(await page.getByText('Live').count()).toBe(0)
    expect(await accessibilityProblems(page)).toEqual([])
    await page.screenshot({ path: `${screenshots}embed-offline-${path.split('/').at(-2) ?? 'page'}.png` })
  }

  await relay.start(['--web', web, '--origin', originOf(elsewhere)])
  await context.setOffline(false)
  await partner.records.edit('Opportunity', copy, { NextStep: 'Signed' })
  await page.getByText('Signed', { exact: true }).waitFor({ timeout: 40_000 })
  await page.getByText('Live, changed').waitFor(patience)
  await page.close()
})

const scriptLine = '<script type="module" src="https://relay.example/entente.js"></script>'
let strictest = ''

/** The blocks of docs/embed.md, by what they are for. */
async function readSnippets(): Promise<Readonly<Record<'page' | 'classic' | 'pinned' | 'policy' | 'modules', string>>> {
  const text = await readFile(join(root, 'docs/embed.md'), 'utf8')
  const blocks = (language: string): readonly string[] =>
    [...text.matchAll(new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, block = '']) => block.trim())
  const [page = '', classic = '', pinned = '', policy = ''] = blocks('html')
  const [modules = ''] = blocks('js')
  const hashes = JSON.parse(await readFile(join(web, 'entente.integrity.json'), 'utf8')) as Readonly<Record<string, string>>
  strictest = /content="([^"]+)"/.exec(policy)?.[1] ?? 'no policy'
  return { page, classic, pinned: pinned.replace('HASH', hashes['entente.js'] ?? 'no hash'), policy, modules }
}

const withPolicy = (html: string): string => html.replace('<meta charset="utf-8" />', `$&\n${documented.policy}`)

/** Does what docs/embed.md says with a page: writes it beside the app, for this relay and this record, and opens it. */
async function open(name: string, html: string, origin = relay.origin): Promise<Page> {
  await writeFile(join(web, name), html.replaceAll('https://relay.example', relay.origin).replaceAll('RECORD', record))
  const page = await context.newPage()
  await page.goto(`${origin}/${name}`)
  return page
}

/** Vera makes her org and a record in the workspace, and Paul at his company exports it and edits his copy. */
async function connectBoth(): Promise<void> {
  workspace = await context.newPage()
  await workspace.goto(`${relay.origin}/workspace.html`)
  await workspace.getByRole('textbox', { name: 'Company' }).fill('Alder Devices')
  await workspace.getByRole('textbox', { name: 'Your name' }).fill('Vera')
  await workspace.getByRole('button', { name: 'Create' }).click()
  await workspace.getByText('Online', { exact: true }).waitFor(patience)
  partner = await openOrg(relay.url, 'Tessaly & Brook', 'Paul')

  record = await inWorkspace((vendor) =>
    vendor.records.create('Opportunity', { Name: 'Router refresh', StageName: 'Prospecting', CloseDate: '2027-03-01' }),
  )
  const link = await inWorkspace((vendor) =>
    vendor.connections.invite('https://alder.example/connect').then((view) => view.invitation?.link),
  )
  await partner.connections.accept(link ?? '')
  await until('Paul sees a code', [partner], () => partner.connections.list().some(({ code }) => code !== undefined))
  const [{ id: connection } = { id: undefined }] = partner.connections.list()
  if (!connection) throw new Error('There is no connection.')
  await once((vendor, id) => vendor.connections.get(id)?.code !== undefined, connection)
  await inWorkspace((vendor, id) => vendor.connections.compareCodes(id, true), connection)
  await partner.connections.compareCodes(connection, true)
  await once((vendor, id) => vendor.connections.get(id)?.state === 'Enabled' && vendor.people.list(id).length > 0, connection)

  await inWorkspace((vendor, id) => {
    const fields = vendor.records
      .schema('Opportunity')
      .fields.filter(({ name }) => ['Name', 'StageName', 'CloseDate', 'NextStep'].includes(name))
    const proposed = fields.map((field) => ({ field, update: field.name !== 'Name' }))
    return vendor.agreements.propose(id, { objects: { Opportunity: { fields: proposed } } })
  }, connection)
  await until('the proposal arrives', [partner], () => partner.agreements.get(connection)?.proposal !== undefined)
  await partner.agreements.accept(connection, {
    objects: { Opportunity: { fields: partner.agreements.suggest(connection, 'Opportunity') } },
  })
  await once((vendor, id) => vendor.agreements.get(id)?.effective !== undefined, connection)
  await inWorkspace(
    (vendor, { id, shown }) => vendor.sharing.setRule(id, 'Opportunity', { match: 'all', conditions: [], added: [shown], hidden: [] }),
    { id: connection, shown: record },
  )
  await inWorkspace((vendor, { id, person }) => vendor.people.grant(id, person), { id: connection, person: partner.user.id })
  const listed = (): readonly string[] => partner.site.listings(connection, 'Opportunity').listings.map(({ id }) => id)
  await until('Paul may export', [partner], () => partner.site.obstacle(connection) === undefined && listed().length === 1)
  await partner.site.export(connection, 'Opportunity', listed())
  await until('Paul has his copy', [partner], () => partner.records.list('Opportunity').total === 1)
  copy = partner.records.list('Opportunity').records[0]?.id ?? ''
  await partner.records.edit('Opportunity', copy, { NextStep: 'Call the buyer' })
  await once((vendor, id) => vendor.mirrors.count(id) === 1, connection)
}

const readExample = (example: Example): Promise<string> => readFile(join(web, 'examples', example, 'index.html'), 'utf8')

/** Runs a function on the engine of Vera's workspace. What it needs beside that comes as its argument. */
async function inWorkspace<T>(act: (engine: Engine) => T): Promise<Awaited<T>>
async function inWorkspace<T, A>(act: (engine: Engine, argument: A) => T, argument: A): Promise<Awaited<T>>
function inWorkspace(act: (engine: Engine, argument: never) => unknown, argument?: unknown): Promise<unknown> {
  return workspace.evaluate(`(${act.toString()})(document.querySelector('workspace-app').engine, ${JSON.stringify(argument ?? null)})`)
}

/** Resolves once this holds of Vera's engine. The test's own time is its patience. */
async function once<A>(holds: (engine: Engine, argument: A) => boolean, argument: A): Promise<void> {
  await workspace.evaluate(`new Promise((resolve) => {
    const { engine } = document.querySelector('workspace-app')
    const look = () => (${holds.toString()})(engine, ${JSON.stringify(argument)}) && resolve()
    engine.watch(look)
    look()
  })`)
}

/** Packs the packages, installs each example with them into a folder of its own, builds it there, and puts what it built beside the app. */
async function installExamples(): Promise<void> {
  const run = (cwd: string, ...words: readonly string[]): Promise<unknown> => promisify(execFile)('npm', words, { cwd })
  const packages = ['protocol', 'engine', 'browser', 'elements']
  await promisify(execFile)('npx', ['tsc', '-b', 'packages/browser', 'packages/elements'], { cwd: root })
  const packed = await promisify(execFile)(
    'npm',
    ['pack', '--silent', '--pack-destination', directory, ...packages.map((name) => `./${name}`)],
    {
      cwd: join(root, 'packages'),
    },
  )
  const files = packed.stdout
    .trim()
    .split('\n')
    .map((name) => join(directory, name))
  const flags = ['--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts', '--no-save', '--no-package-lock']
  await Promise.all(
    examples.map(async (example) => {
      const folder = join(directory, example)
      await cp(join(root, 'web/examples', example), folder, { recursive: true })
      await run(folder, 'install', ...flags, ...files)
      await run(folder, 'run', '--silent', 'build')
      await cp(join(folder, 'dist'), join(web, 'examples', example), { recursive: true })
    }),
  )
}

/** Rules of a page that mean its own elements and reach all. A policy without inline styles lets a script add them so. */
function beHostile(): void {
  const rules = new CSSStyleSheet()
  rules.replaceSync(`* { all: unset !important; box-sizing: content-box !important; font-size: 60px !important; text-transform: uppercase !important }
    button, table, section { display: none !important }`)
  document.adoptedStyleSheets = [rules]
}
