/** Keeps a page's place in the fragment of its address. */
export class Place {
  readonly #changed: (fragment: string) => void
  #kept: string | undefined
  #timer: ReturnType<typeof setTimeout> | undefined

  /** @param changed hears a fragment that came by a link, by Back or by hand */
  constructor(changed: (fragment: string) => void) {
    this.#changed = changed
  }

  start(): void {
    addEventListener('hashchange', this.#follow)
    addEventListener('pagehide', this.#write)
  }

  stop(): void {
    this.#write()
    removeEventListener('hashchange', this.#follow)
    removeEventListener('pagehide', this.#write)
  }

  /** Goes to another place: Back leads here again. */
  go(fragment: string): void {
    this.#write()
    location.hash = fragment
  }

  /** Writes how the present place looks now, a little later: browsers refuse an address that changes with every key. */
  keep(fragment: string): void {
    this.#kept = fragment
    clearTimeout(this.#timer)
    this.#timer = setTimeout(this.#write, 250)
  }

  #write = (): void => {
    clearTimeout(this.#timer)
    if (this.#kept !== undefined && `#${this.#kept}` !== location.hash)
      history.replaceState(history.state, '', `${location.pathname}${location.search}#${this.#kept}`)
    this.#kept = undefined
  }

  #follow = (): void => {
    // What is still to be written belongs to the place that the person has left.
    clearTimeout(this.#timer)
    this.#kept = undefined
    this.#changed(location.hash.slice(1))
  }
}
