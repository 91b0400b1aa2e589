/**
 * Shows a person the first of some things in a part of the page: scrolls to it, moves the focus there, and draws a frame around it for some seconds. A thing is
 * found by what it is called: its label, its heading or its own words. Waits a moment for one that is not drawn yet.
 */
export async function pointAt(part: Element, names: readonly string[]): Promise<void> {
  for (let wait = 0; wait < 20; wait++) {
    const thing = find(part, names)
    if (thing) return show(thing)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

function show(thing: HTMLElement): void {
  thing.scrollIntoView({ block: 'center', inline: 'nearest' })
  thing.focus({ preventScroll: true })
  const frame = { outline: '4px solid #d98a2b', outlineOffset: '3px' }
  // Steps, no fading: nothing moves, and it shows the same for those who want less motion.
  thing.animate([frame, frame], { duration: 4_000, id: 'pointed-at' })
}

function find(part: Element, names: readonly string[]): HTMLElement | undefined {
  const all = inside(part).filter((element) => element.checkVisibility())
  for (const name of names) {
    const thing = all.find((element) => nameOf(element) === name)
    if (thing) return thing instanceof HTMLLabelElement ? labelled(thing) : thing
  }
  return undefined
}

function labelled(label: HTMLLabelElement): HTMLElement {
  return label.control ?? label
}

function nameOf(element: HTMLElement): string | undefined {
  if (element.hasAttribute('aria-label')) return element.getAttribute('aria-label') ?? undefined
  if (!element.matches('button, label, h3, output')) return undefined
  return element.textContent?.replaceAll(/\s+/g, ' ').replace(/ \*$/, '').trim()
}

function inside(root: ParentNode): readonly HTMLElement[] {
  return [...root.querySelectorAll<HTMLElement>('*')].flatMap((element) => [
    element,
    ...(element.shadowRoot ? inside(element.shadowRoot) : []),
  ])
}
