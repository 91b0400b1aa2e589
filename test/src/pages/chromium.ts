import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import axe from 'axe-core'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright'
import { build, type Plugin } from 'vite'
import { chromiumFlags, chromiumPath } from '../node/chromium-process.js'

const root = fileURLToPath(new URL('../../../', import.meta.url))

const binary = { executablePath: chromiumPath(), args: [...chromiumFlags] }

/** Where pictures of the pages are left, with a slash behind it. */
export const screenshots = `${root}test/screenshots/`

/** Builds the web app into a directory, as people get it, and the relay that is to serve it. */
export async function buildPages(web: string): Promise<void> {
  await buildApp(web)
  execFileSync('npx', ['tsc', '-b', 'relay-server'], { cwd: root })
}

/** Builds the web app alone, and changes it by plugins where a test needs another version of it. */
export async function buildApp(web: string, plugins: Plugin[] = []): Promise<void> {
  // Vitest says `test`, and Vite would build pages for developers.
  process.env['NODE_ENV'] = 'production'
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
