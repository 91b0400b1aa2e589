import { fileURLToPath } from 'node:url'
import { chromium, type Page } from 'playwright'
import { createServer } from 'vite'
import { chromiumFlags, chromiumPath } from '../node/chromium-process.js'

/** Opens a page of this folder in headless Chromium, built from source, and runs something in it. */
export async function inChromium<T>(path: string, run: (page: Page) => Promise<T>): Promise<T> {
  const folder = fileURLToPath(new URL('../../src/bench/page/', import.meta.url))
  const conditions = ['entente-source', 'module', 'browser', 'development|production']
  const server = await createServer({
    root: folder,
    configFile: false,
    logLevel: 'error',
    resolve: { conditions },
    server: { port: 0, hmr: false },
  })
  await server.listen()
  const browser = await chromium.launch({ executablePath: chromiumPath(), args: [...chromiumFlags] })
  try {
    const page = await browser.newPage()
    page.on('pageerror', (error) => process.stderr.write(`${error.message}\n`))
    await page.goto(new URL(path, server.resolvedUrls?.local[0]).href)
    return await run(page)
  } finally {
    await browser.close()
    await server.close()
  }
}
