import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import type { Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { RelayProcess } from '../node/relay-process.js'
import { accessibilityProblems, buildPages, launchChromium, screenshots } from './chromium.js'
import { listen, originOf, serveFiles } from './static-host.js'

// Somebody's script runs in Vera's workspace, in Chromium: what it can no longer do, whether the relay serves the page or another host. What it still can stands
// in docs/threat-model.md.

const patience = { timeout: 20_000 }

let directory = ''
let relay: RelayProcess
let host: Server
/** A server that the script would like to tell what it found. */
let elsewhere: Server
let heard: string[] = []
let browser: Browser

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'entente-policy-'))
  const web = join(directory, 'web')
  await buildPages(web)
  host = await serveFiles(web)
  elsewhere = await listen((path, response) => {
    heard.push(path)
    response.setHeader('access-control-allow-origin', '*')
    response.end('heard')
  })
  elsewhere.on('upgrade', ({ url }, socket) => {
    heard.push(`socket ${url}`)
    socket.destroy()
  })
  relay = new RelayProcess(join(directory, 'relay'))
  await relay.start(['--web', web, '--origin', originOf(host)])
  browser = await launchChromium()
  await mkdir(screenshots, { recursive: true })
}, 120_000)

afterAll(async () => {
  await browser?.close()
  await relay?.kill()
  host?.close()
  elsewhere?.close()
  await rm(directory, { recursive: true, force: true })
})

describe.each([
  { served: 'by the relay', address: () => `${relay.origin}/workspace.html` },
  { served: 'by another host', address: () => `${originOf(host)}/workspace.html?relay=${encodeURIComponent(relay.url)}` },
])('Vera’s workspace, served $served', ({ served, address }) => {
  let context: BrowserContext
  let page: Page
  let problems: string[]

  beforeEach(async () => {
    context = await browser.newContext({
      viewport: { width: 1280, height: 850 },
      locale: 'en-GB',
      timezoneId: 'UTC',
      reducedMotion: 'reduce',
    })
    page = await context.newPage()
    heard = []
    problems = []
    page.on('pageerror', (error) => problems.push(error.message))
    page.on('console', (message) => message.type() === 'error' && problems.push(message.text()))
    await page.goto(address())
    await page.getByRole('textbox', { name: 'Company' }).fill('Alder Devices')
    await page.getByRole('textbox', { name: 'Your name' }).fill('Vera')
    await page.getByRole('button', { name: 'Create' }).click()
    await page.getByText('Online', { exact: true }).waitFor(patience)
  })
  afterEach(() => context.close())

  it('works, is fit for everyone, and comes back without the relay in its address', async () => {
    expect(await accessibilityProblems(page)).toEqual([])
    await page.screenshot({ path: `${screenshots}policy-${served.replaceAll(' ', '-')}.png` })
    await page.goto(address().replace(/\?.*/, ''))
    await page.getByText('Online', { exact: true }).waitFor(patience)
    expect(problems).toEqual([])
    // What the browser knows of its network shows at once.
    await context.setOffline(true)
    await page.getByText('Offline', { exact: true }).waitFor({ timeout: 2_000 })
    await context.setOffline(false)
    await page.getByText('Online', { exact: true }).waitFor({ timeout: 5_000 })
  })

  it('lets no script dial another host, in any way that a page has', async () => {
    const target = originOf(elsewhere)
    const said = await page.evaluate(async (to) => {
      const tried: Record<string, Promise<unknown>> = {
        fetch: fetch(`${to}/fetch`),
        beacon: new Promise((resolve) => resolve(navigator.sendBeacon(`${to}/beacon`, 'x'))),
        socket: new Promise((resolve, reject) => {
          const socket = new WebSocket(`${to.replace('http', 'ws')}/socket`)
          socket.onopen = resolve
          socket.onerror = () => reject(new Error('closed'))
        }),
        events: new Promise((resolve, reject) => {
          const source = new EventSource(`${to}/events`)
          source.onopen = resolve
          source.onerror = () => reject(new Error('closed'))
        }),
        image: new Promise((resolve, reject) => {
          const image = new Image()
          image.onload = resolve
          image.onerror = () => reject(new Error('closed'))
          image.src = `${to}/image.png`
        }),
        form: new Promise((resolve, reject) => {
          document.addEventListener('securitypolicyviolation', ({ violatedDirective }) => {
            if (violatedDirective === 'form-action') reject(new Error('closed'))
          })
          const form = document.createElement('form')
          form.action = `${to}/form`
          form.method = 'post'
          document.body.append(form)
          form.submit()
        }),
        frame: new Promise((resolve, reject) => {
          document.addEventListener('securitypolicyviolation', ({ violatedDirective }) => {
            if (violatedDirective === 'frame-src') reject(new Error('closed'))
          })
          const frame = document.createElement('iframe')
          frame.src = `${to}/frame`
          document.body.append(frame)
        }),
      }
      const outcomes: Record<string, string> = {}
      for (const [name, attempt] of Object.entries(tried))
        outcomes[name] = await attempt.then(
          () => 'done',
          () => 'refused',
        )
      return outcomes
    }, target)
    // A beacon that a policy stops is reported as queued all the same: what counts is what arrived.
    expect(said).toMatchObject({
      fetch: 'refused',
      socket: 'refused',
      events: 'refused',
      image: 'refused',
      form: 'refused',
      frame: 'refused',
    })
    expect(heard).toEqual([])
  })

  it('lets no script write markup by a string, load a foreign script, or move the base', async () => {
    const target = originOf(elsewhere)
    const said = await page.evaluate(async (to) => {
      // What the debugger evaluates itself may use eval; what a timer calls later is the page's own.
      await new Promise((resolve) => setTimeout(resolve))
      const attempt = (act: () => unknown): string => {
        try {
          act()
          return 'done'
        } catch (error) {
          return error instanceof Error ? error.name : 'refused'
        }
      }
      const policies = (globalThis as unknown as { trustedTypes: { createPolicy: (name: string, rules: object) => unknown } }).trustedTypes
      const rules = { createHTML: (text: string) => text, createScript: (text: string) => text, createScriptURL: (text: string) => text }
      const script = document.createElement('script')
      const base = document.createElement('base')
      base.href = `${to}/`
      document.head.append(base)
      return {
        innerHTML: attempt(() => (document.body.innerHTML = '<b>by a string</b>')),
        insert: attempt(() => document.body.insertAdjacentHTML('beforeend', '<b>by a string</b>')),
        write: attempt(() => document.write('<b>by a string</b>')),
        parse: attempt(() => new DOMParser().parseFromString('<b>by a string</b>', 'text/html')),
        evaluate: attempt(() => Reflect.construct(Function, ['return 1'])),
        script: attempt(() => (script.src = `${to}/script.js`)),
        text: attempt(() => (script.text = '1')),
        worker: attempt(() => new Worker(`${to}/worker.js`)),
        ownPolicy: attempt(() => policies.createPolicy('own', rules)),
        workersPolicy: attempt(() => policies.createPolicy('entente-worker', rules)),
        serviceWorker: await navigator.serviceWorker.register('/assets/other.js').then(
          () => 'done',
          (error: Error) => error.message,
        ),
        litsPolicy: attempt(() => policies.createPolicy('lit-html', rules)),
        base: document.baseURI.startsWith(to) ? 'done' : 'refused',
      }
    }, target)
    expect(Object.entries(said).filter(([, outcome]) => outcome === 'done')).toEqual([])
    expect(said.serviceWorker).toContain('TrustedScriptURL')
    expect(heard).toEqual([])
  })
})

it('once Vera has saved the recovery kit, no script finds the root key or signs with it, and the API gives it no secret', async () => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 850 }, locale: 'en-GB', acceptDownloads: true })
  const page = await context.newPage()
  await page.goto(`${relay.origin}/workspace.html`)
  await page.getByRole('textbox', { name: 'Company' }).fill('Alder Devices')
  await page.getByRole('textbox', { name: 'Your name' }).fill('Vera')
  await page.getByRole('button', { name: 'Create' }).click()
  await page.getByText('Online', { exact: true }).waitFor(patience)
  expect(await signingKeysIn(page)).toContain('root')

  await page.getByRole('button', { name: 'Save the recovery kit' }).click()
  await page.getByRole('button', { name: 'Make the kit' }).click()
  const passphrase = await page.getByRole('group', { name: 'passphrase' }).textContent(patience)
  await page.screenshot({ path: `${screenshots}recovery-kit.png` })
  const downloading = page.waitForEvent('download')
  await page.getByRole('button', { name: 'Save the file' }).click()
  const file = join(directory, 'kit.json')
  await (await downloading).saveAs(file)
  await page.getByLabel('File of the kit').setInputFiles(file)
  await page.getByRole('textbox', { name: 'Passphrase' }).fill(passphrase ?? '')
  await page.getByRole('button', { name: 'Check and finish' }).click()
  await page.getByText('only in this browser').waitFor({ state: 'hidden', ...patience })

  await page.reload()
  await page.getByText('Online', { exact: true }).waitFor(patience)
  expect(await page.getByText('only in this browser').count()).toBe(0)
  expect(await signingKeysIn(page)).toEqual(['device'])
  const asked = await page.evaluate(async () => {
    const { engine } = document.querySelector('workspace-app') as unknown as {
      engine: Record<string, Record<string, (...args: unknown[]) => unknown>>
    }
    const outcomes: Record<string, string> = {}
    const attempts: readonly (readonly [string, string, ...unknown[]])[] = [
      ['records', 'list', 'Connection'],
      ['records', 'list', 'Key'],
      ['records', 'get', 'Key', 'team'],
      ['records', 'createMany', 'User', [{ role: 'admin' }]],
      ['records', 'edit', 'Setting', 'recovery kit', { key: 'mine' }],
      ['recovery', 'makeKit'],
    ]
    for (const [group, method, ...args] of attempts) {
      try {
        await engine[group]?.[method]?.(...args)
        outcomes[JSON.stringify([group, method, ...args])] = 'done'
      } catch (error) {
        outcomes[JSON.stringify([group, method, ...args])] = String((error as { code?: unknown }).code)
      }
    }
    return outcomes
  })
  for (const [call, outcome] of Object.entries(asked)) expect(outcome, call).toMatch(/^(INVALID|NOT_FOUND|NOT_ALLOWED)$/)
  await context.close()
})

it('a link to another relay takes no org from its own: the page says so, and offers another org', async () => {
  const context = await browser.newContext({ locale: 'en-GB' })
  const page = await context.newPage()
  await page.goto(`${originOf(host)}/workspace.html?relay=${encodeURIComponent(relay.url)}`)
  await page.getByRole('textbox', { name: 'Company' }).fill('Alder Devices')
  await page.getByRole('textbox', { name: 'Your name' }).fill('Vera')
  await page.getByRole('button', { name: 'Create' }).click()
  await page.getByText('Online', { exact: true }).waitFor(patience)
  heard = []
  const other = `${originOf(elsewhere).replace('http', 'ws')}/socket`
  await page.goto(`${originOf(host)}/workspace.html?relay=${encodeURIComponent(other)}`)
  await page.getByText('Online', { exact: true }).waitFor(patience)
  expect(heard).toEqual([])
  await page.getByRole('link', { name: 'Make another org for it' }).click()
  await page.getByRole('textbox', { name: 'Company' }).waitFor(patience)
  // It names the org that is there, and has not opened it.
  expect(await page.getByText('Vera, admin').count()).toBe(0)
  await context.close()
})

it('says the same in its pages and in the relay’s header, but for the relays that a page may dial', async () => {
  const page = await (await fetch(`${relay.origin}/workspace.html`)).text()
  const inPage = /Content-Security-Policy" content="([^"]+)"/.exec(page)?.[1]?.replaceAll('&#39;', "'").split('; ')
  const response = await fetch(`${relay.origin}/workspace.html`)
  const inHeader = response.headers.get('content-security-policy')?.split('; ')
  expect(inHeader?.filter((part) => !part.startsWith('frame-ancestors'))).toEqual(
    inPage?.map((part) => (part.startsWith('connect-src') ? "connect-src 'self'" : part)),
  )
})

/** Whose private keys a script of the page finds in the org's store: it reads all of it. */
function signingKeysIn(page: Page): Promise<readonly string[]> {
  return page.evaluate(async () => {
    const found: string[] = []
    const search = (value: unknown, name: string): void => {
      if (value instanceof CryptoKey) found.push(name)
      else if (typeof value === 'object' && value !== null)
        for (const [key, inner] of Object.entries(value)) search(inner, key === 'privateKey' ? name : key)
    }
    const wait = <T>(request: IDBRequest<T>): Promise<T> =>
      new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result)
        request.onerror = () => reject(new Error('The store could not be read.'))
      })
    for (const { name } of await indexedDB.databases()) {
      const database = await wait(indexedDB.open(name ?? ''))
      for (const store of database.objectStoreNames)
        for (const value of await wait(database.transaction(store).objectStore(store).getAll())) search(value, '')
      database.close()
    }
    return found
  })
}
