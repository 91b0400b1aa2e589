import { expect } from 'vitest'
import axe, { type RunOnly } from 'axe-core'
import type { Browser, BrowserContext, Locator, Page } from 'playwright'
import { screenshots } from './chromium.js'

/** A width, and a theme, in which a page is looked at. */
interface Look {
  readonly width: number
  readonly theme: 'light' | 'dark'
  /** What axe checks: all of it once at each width, and what depends on the theme in each theme. */
  readonly rules: RunOnly
}

const everyRule: RunOnly = { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }
const colours: RunOnly = { type: 'rule', values: ['color-contrast'] }
const looks: readonly Look[] = [
  { width: 1280, theme: 'dark', rules: colours },
  { width: 390, theme: 'light', rules: colours },
  { width: 390, theme: 'dark', rules: everyRule },
  // The last one is the one in which the person goes on.
  { width: 1280, theme: 'light', rules: everyRule },
]

/**
 * Somebody before a browser of their own, who finds things by what they are called and has counted clicks. Only what the hand does is counted: typing where the
 * cursor stands already takes no click, a choice from a list takes two.
 */
export class Person {
  readonly page: Page
  /** Errors that the page's scripts threw or wrote. */
  readonly errors: string[] = []
  clicks = 0
  readonly #name: string
  readonly #context: BrowserContext

  private constructor(name: string, context: BrowserContext, page: Page) {
    this.#name = name
    this.#context = context
    this.page = page
    page.on('pageerror', (error) => this.errors.push(error.message))
    page.on('console', (message) => message.type() === 'error' && this.errors.push(message.text()))
  }

  static async at(browser: Browser, name: string): Promise<Person> {
    const context = await browser.newContext({
      viewport: { width: 1280, height: 850 },
      locale: 'en-GB',
      timezoneId: 'UTC',
      reducedMotion: 'reduce',
      colorScheme: 'light',
    })
    context.setDefaultTimeout(20_000)
    return new Person(name, context, await context.newPage())
  }

  async click(target: Locator): Promise<void> {
    this.clicks++
    await target.click()
  }

  /** A key that acts as a click would. */
  async press(key: string): Promise<void> {
    this.clicks++
    await this.page.keyboard.press(key)
  }

  async type(target: Locator, text: string): Promise<void> {
    await target.waitFor()
    if (!(await target.evaluate((field) => field.matches(':focus')))) this.clicks++
    await target.fill(text)
  }

  async choose(target: Locator, label: string): Promise<void> {
    this.clicks += 2
    await target.selectOption({ label })
  }

  async pickFile(target: Locator, file: string): Promise<void> {
    this.clicks++
    await target.setInputFiles(file)
  }

  button(name: string | RegExp): Locator {
    return this.page.getByRole('button', { name, exact: typeof name === 'string' })
  }

  tab(name: string): Locator {
    return this.page.getByRole('navigation').getByRole('link', { name: new RegExp(`^${name}`) })
  }

  link(name: string): Locator {
    return this.page.getByRole('link', { name, exact: true })
  }

  field(name: string): Locator {
    return this.page.getByRole('textbox', { name })
  }

  async sees(text: string | RegExp): Promise<void> {
    await this.page
      .getByText(text, typeof text === 'string' ? { exact: true } : {})
      .first()
      .waitFor()
  }

  async focusIsOn(target: Locator): Promise<void> {
    await expect.poll(() => target.evaluate((element) => element.matches(':focus'))).toBe(true)
  }

  network(isThere: boolean): Promise<void> {
    return this.#context.setOffline(!isThere)
  }

  /** Holds the page, as it stands, to what everyone needs of it, at each width and in each theme. Leaves a picture of the widest and of the narrowest. */
  async finds(station: string): Promise<void> {
    const { page } = this
    const found: string[] = []
    for (const { width, theme, rules } of looks) {
      await page.emulateMedia({ colorScheme: theme })
      await page.setViewportSize({ width, height: 850 })
      found.push(...(await unfit(page, rules)).map((problem) => `${this.#name}, ${station}, ${width} px, ${theme}: ${problem}`))
      if (rules === everyRule)
        await page.screenshot({ path: `${screenshots}journey-${this.#name.toLowerCase()}-${station.replaceAll(' ', '-')}-${width}.png` })
    }
    expect.soft(found).toEqual([])
  }
}

/** What is wrong with a page as it is drawn: for axe, in its outline, and in what does not fit its width. */
async function unfit(page: Page, rules: RunOnly): Promise<readonly string[]> {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axe.source)
  return page.evaluate(async (runOnly) => {
    const run = (globalThis as unknown as { axe: typeof axe }).axe
    const { violations } = await run.run(document, { runOnly })
    const problems = violations.map(({ id, nodes }) => `${id} at ${JSON.stringify(nodes.map(({ target }) => target))}`)
    const all: Element[] = []
    const collect = (root: ParentNode): void => {
      for (const element of root.querySelectorAll('*')) {
        all.push(element)
        if (element.shadowRoot) collect(element.shadowRoot)
      }
    }
    collect(document)
    const drawn = all.filter((element) => element.checkVisibility())
    for (const name of ['h1', 'main']) {
      const count = drawn.filter((element) => element.localName === name).length
      if (count !== 1) problems.push(`${count} ${name}`)
    }
    // Words and ids of the inside stand behind "Diagnosis", which is shut.
    const inside = /\b(frames?|entries|holds the line|textArea|dateTime|undefined|NaN)\b|\bintegration\.|(?<![\w/#=-])[\w-]{22}(?![\w-])/
    for (const element of drawn) {
      const text = [...element.childNodes].map((node) => (node.nodeType === Node.TEXT_NODE ? node.textContent : '')).join('')
      const found = element.matches('style, script') ? null : inside.exec(text)
      if (found) problems.push(`says “${found[0]}”`)
    }
    // Wide tables scroll in a place of their own, which the keyboard reaches; nothing else does.
    for (const element of [document.documentElement, ...drawn]) {
      const isScroller = element === document.documentElement || /auto|scroll/.test(getComputedStyle(element).overflowX)
      const isOwn = element.matches('[tabindex="0"], [role="grid"], nav, input, textarea')
      if (isScroller && !isOwn && element.scrollWidth > element.clientWidth + 1)
        problems.push(`${element.localName}.${element.className} scrolls sideways: ${element.scrollWidth} in ${element.clientWidth} px`)
    }
    return problems
  }, rules)
}
