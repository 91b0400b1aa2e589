import type { Tabs } from '../port/tabs.js'

interface Tab {
  readonly listeners: Set<(message: unknown) => void>
  lead: (() => void) | undefined
}

/**
 * The tabs of one browser, in memory. Each `open()` is one tab.
 *
 * Guarantee: at most one tab leads. The first that asks leads until it steps down or is closed, then the next in the order of opening. A message reaches
 * the other tabs after the caller has gone on, and never a closed tab.
 */
export class MemoryBrowser {
  readonly #tabs = new Set<Tab>()
  #leader: Tab | undefined

  open(): Tabs & { close(): void } {
    const tab: Tab = { listeners: new Set(), lead: undefined }
    this.#tabs.add(tab)
    const stepDown = (): void => {
      tab.lead = undefined
      if (this.#leader === tab) this.#leader = undefined
      this.#elect()
    }
    return {
      lead: (lead) => {
        tab.lead = lead
        this.#elect()
        return stepDown
      },
      tell: (message) => {
        for (const other of this.#tabs) {
          if (other !== tab) for (const hear of other.listeners) void Promise.resolve().then(() => this.#tabs.has(other) && hear(message))
        }
      },
      listen: (hear) => {
        tab.listeners.add(hear)
        return () => tab.listeners.delete(hear)
      },
      close: () => {
        this.#tabs.delete(tab)
        stepDown()
      },
    }
  }

  #elect(): void {
    if (this.#leader) return
    this.#leader = [...this.#tabs].find((tab) => tab.lead)
    this.#leader?.lead?.()
  }
}
