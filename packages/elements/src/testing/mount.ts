import type { LitElement } from 'lit'
import axe from 'axe-core'

/** Puts an element into the page with these properties, and waits until it is drawn. */
export async function mount<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  properties: Partial<HTMLElementTagNameMap[Tag]> = {},
): Promise<HTMLElementTagNameMap[Tag]> {
  document.body.replaceChildren()
  document.body.style.cssText = 'margin: 0; padding: 12px; background: light-dark(#f5f5f1, #121418)'
  document.documentElement.lang = 'en-GB'
  document.title = 'Entente'
  const element = document.createElement(tag)
  Object.assign(element, properties)
  const main = document.createElement('main')
  main.append(element)
  document.body.append(main)
  await drawn(element)
  return element
}

/** Waits until the element and what it has queued is drawn. */
export async function drawn(element: HTMLElement): Promise<void> {
  for (let round = 0; round < 3; round++) {
    await (element as HTMLElement & Partial<LitElement>).updateComplete
    await new Promise((resolve) => setTimeout(resolve, 0))
  }
}

export function find<T extends Element = HTMLElement>(element: Element, selector: string): T {
  const found = element.shadowRoot?.querySelector<T>(selector)
  if (!found) throw new Error(`<${element.localName}> shows no ${selector}`)
  return found
}

/** The button with this text. */
export function button(element: Element, text: string): HTMLButtonElement {
  const buttons = [...(element.shadowRoot?.querySelectorAll('button') ?? [])]
  const found = buttons.find((candidate) => candidate.textContent?.replace(/\s+/g, ' ').trim().startsWith(text))
  if (!found) throw new Error(`<${element.localName}> shows no button “${text}”`)
  return found
}

export function textOf(element: Element): string {
  return (element.shadowRoot?.textContent ?? '').replace(/\s+/g, ' ')
}

/** What WCAG 2.2 AA finds wrong, in light and in dark. Empty is good. */
export async function accessibilityProblems(): Promise<readonly string[]> {
  const problems: string[] = []
  for (const scheme of ['light', 'dark']) {
    document.documentElement.style.colorScheme = scheme
    const { violations } = await axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] })
    for (const found of violations)
      problems.push(`${scheme}: ${found.id} at ${found.nodes.map((node) => JSON.stringify(node.target)).join(' ')}`)
  }
  document.documentElement.style.colorScheme = 'light dark'
  return problems
}
