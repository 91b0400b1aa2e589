/** The version that this copy of the library announces when it meets another copy on the same page. */
export const libraryVersion = '0.1.0'

interface ElementClass extends CustomElementConstructor {
  readonly libraryVersion?: string
}

/**
 * Registers an element under its tag. If another copy of the library registered it first, that copy stays, and a warning names both versions; nothing is
 * thrown. Outside a browser it does nothing, so that modules can be imported anywhere.
 */
export function defineElement(tag: string, element: ElementClass): void {
  if (typeof customElements === 'undefined') return
  const known: ElementClass | undefined = customElements.get(tag)
  if (known === element) return
  if (known === undefined) {
    customElements.define(tag, element)
    return
  }
  const [first, second] = [known, element].map((copy) => copy.libraryVersion ?? 'unknown')
  // oxlint-disable-next-line no-console -- two copies on one page are a mistake of the page's author, who looks for it in the console
  console.warn(
    `<${tag}> is already defined by version ${first} of Entente's elements; version ${second} is left out. Load the library once.`,
  )
}
