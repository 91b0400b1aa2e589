/** How long an invitation lives (rule MB5), in milliseconds. */
const lifeMs = 72 * 60 * 60 * 1000

/**
 * The invitation link with which a person opened this page, until it was accepted or declined. It is kept in this browser, so that a reload or a later visit
 * has it still, and taken out of the address, which people copy. It holds a secret, of which 72 hours later nothing is left to open.
 */
export class PendingInvitation {
  readonly #name: string

  /** @param store the name of this browser's org */
  constructor(store: string) {
    this.#name = `entente-invitation ${store}`
  }

  /** The link; empty where there is none. */
  get link(): string {
    const [until, ...link] = (localStorage.getItem(this.#name) ?? '').split(' ')
    if (Number(until) > Date.now()) return link.join(' ')
    this.forget()
    return ''
  }

  keep(link: string): void {
    localStorage.setItem(this.#name, `${Date.now() + lifeMs} ${link}`)
  }

  forget(): void {
    localStorage.removeItem(this.#name)
  }
}
