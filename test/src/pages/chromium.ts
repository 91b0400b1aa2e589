import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import axe from 'axe-core'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright'
import { build, type Plugin } from 'vite'
import { chromiumFlags, chromiumPath } from '../node/chromium-process.js'

const root = fileURLToPath(new URL('../../../', import.meta.url))

const binary = { executablePath: chromiumPath(), args: [...chromiumFlags] }

/** Where pictures of the pages are left, with a slash behind it. */
export const screenshots = `${root}test/screenshots/`

/** Puts the web app into a directory, as people get it, and builds the relay that is to serve it. All files of one run share one build. */
export async function buildPages(web: string): Promise<void> {
  forPeople()
  const shared = process.env['ENTENTE_BUILT_PAGES']
  if (shared === undefined) return buildAll(web)
  const [built, done] = [join(shared, 'web'), join(shared, 'done')]
  if (await isFirst(shared)) {
    await buildAll(built)
    await writeFile(done, '')
  }
  while (!existsSync(done)) await new Promise((resolve) => setTimeout(resolve, 50))
  await cp(built, web, { recursive: true })
}

/** Vitest says `test`, and Vite would build pages for developers: whatever this process builds from now on. */
function forPeople(): void {
  process.env['NODE_ENV'] = 'production'
}

async function buildAll(web: string): Promise<void> {
  await buildApp(web)
  execFileSync('npx', ['tsc', '-b', 'relay-server'], { cwd: root })
}

/** Whether nobody else has begun to build. Where a build fails, those who wait for it come to their time limit. */
async function isFirst(shared: string): Promise<boolean> {
  return mkdir(join(shared, 'begun')).then(
    () => true,
    () => false,
  )
}

/** Builds the web app alone, and changes it by plugins where a test needs another version of it. */
export async function buildApp(web: string, plugins: Plugin[] = []): Promise<void> {
  forPeople()
  await build({ configFile: `${root}vite.config.ts`, logLevel: 'error', plugins, build: { outDir: web, emptyOutDir: true } })
}

/** The machine's Chromium, which calls nobody by itself. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch(binary)
}

/** The same with a profile, which it finds again when it is opened once more. */
export function openProfile(directory: string): Promise<BrowserContext> {
  return chromium.launchPersistentContext(directory, {
    ...binary,
    viewport: { width: 1280, height: 850 },
    locale: 'en-GB',
    timezoneId: 'UTC',
    reducedMotion: 'reduce',
  })
}

/** What WCAG 2.2 AA finds wrong with a page. axe comes by the debugger, as the page lets no foreign script in. */
export async function accessibilityProblems(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe.source)
  const found = await page.evaluate<string>(
    `axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] })
      .then(({ violations }) => JSON.stringify(violations.map((one) => one.id + ' at ' + JSON.stringify(one.nodes.map((node) => node.target)))))`,
  )
  return JSON.parse(found) as readonly string[]
}
