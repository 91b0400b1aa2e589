import type { LitElement, ReactiveController } from 'lit'

/** For elements whose controls go away once they were used. Who acts by the keyboard goes on from there: at the same control, else at what stood around it. */
export class KeptFocus implements ReactiveController {
  readonly #host: LitElement
  /** What had the focus when it was taken away, with what stands around it. */
  #left: readonly HTMLElement[] = []

  constructor(host: LitElement) {
    this.#host = host
  }

  hostUpdate(): void {
    const around: HTMLElement[] = []
    for (let each = this.#host.shadowRoot?.activeElement as HTMLElement | null | undefined; each; each = each.parentElement)
      around.push(each)
    if (around.length > 0) this.#left = around
  }

  hostUpdated(): void {
    const [first] = this.#left
    // It is disabled while the action runs.
    if (!first || (first.isConnected && first.matches(':disabled'))) return
    const next = this.#left.find(({ isConnected }) => isConnected) ?? this.#host
    this.#left = []
    if (document.activeElement !== document.body) return
    // What takes no focus by itself takes it from a script then.
    if (next.tabIndex < 0) next.tabIndex = -1
    next.focus({ preventScroll: true })
  }
}
