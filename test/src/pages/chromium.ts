import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import axe from 'axe-core'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright'
import { build } from 'vite'
import { chromiumFlags, chromiumPath } from '../node/chromium-process.js'

const root = fileURLToPath(new URL('../../../', import.meta.url))

const binary = { executablePath: chromiumPath(), args: [...chromiumFlags] }

/** Where pictures of the pages are left, with a slash behind it. */
export const screenshots = `${root}test/screenshots/`

/** Builds the web app into a directory, as people get it, and the relay that is to serve it. */
export async function buildPages(web: string): Promise<void> {
  // Vitest says `test`, and Vite would build pages for developers.
  process.env['NODE_ENV'] = 'production'
  await build({ configFile: `${root}vite.config.ts`, logLevel: 'error', build: { outDir: web, emptyOutDir: true } })
  execFileSync('npx', ['tsc', '-b', 'relay-server'], { cwd: root })
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
