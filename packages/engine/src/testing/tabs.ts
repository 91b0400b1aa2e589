import type { Tabs } from '../port/tabs.js'

interface Tab {
  readonly listeners: Map<(message: unknown) => void, (() => void) | undefined>
  lead: (() => void) | undefined
  resign: () => void
  /** Whether it was told that it leads, and not yet that it does no more. */
  leads: boolean
  frozen: boolean
}

/** A tab of a `MemoryBrowser`, with what may happen to one. */
export interface MemoryTab extends Tabs {
  /** Whether it was told that it leads, and runs. */
  readonly leads: boolean
  /** Closes the tab: it leads no more, and hears nothing. */
  close(): void
  /** Takes the lead from the tab that has it, as a visible tab does of one that was hidden for long or does not answer. */
  takeOver(): void
  /** Another tab may lead, and neither this nor any message reaches the tab until `wake`. What runs in it runs on: so a test sees the worst that a tab can do which does not know. */
  freeze(): void
  /** Tells the tab what became of its lead, and that it missed messages. */
  wake(): void
}

/**
 * The tabs of one browser, in memory. Each `open()` is one tab. Tabs of two browsers do not hear each other, also where they have one store.
 *
 * Guarantee: at most one tab leads, or thinks that it does and is frozen. The first that asks leads until it steps down, is closed or frozen, or another takes
 * over; then the next in the order of opening. A message reaches the other tabs after the caller has gone on, and never a closed or frozen tab.
 */
export class MemoryBrowser {
  readonly #tabs = new Set<Tab>()
  #leader: Tab | undefined

  open(): MemoryTab {
    const tab: Tab = { listeners: new Map(), lead: undefined, resign: () => undefined, leads: false, frozen: false }
    this.#tabs.add(tab)
    const stepDown = (): void => {
      tab.lead = undefined
      tab.leads = false
      if (this.#leader === tab) this.#leader = undefined
      this.#elect()
    }
    return {
      get leads() {
        return tab.leads && !tab.frozen
      },
      lead: (lead, resign) => {
        tab.lead = lead
        tab.resign = resign
        this.#elect()
        return stepDown
      },
      tell: (message) => {
        for (const other of this.#tabs) {
          if (other === tab) continue
          for (const hear of other.listeners.keys())
            void Promise.resolve().then(() => this.#tabs.has(other) && !other.frozen && hear(message))
        }
      },
      listen: (hear, missed) => {
        tab.listeners.set(hear, missed)
        return () => tab.listeners.delete(hear)
      },
      close: () => {
        this.#tabs.delete(tab)
        stepDown()
      },
      takeOver: () => {
        const before = this.#leader
        if (before === tab || !tab.lead) return
        this.#leader = tab
        this.#resign(before)
        this.#tellLead(tab)
      },
      freeze: () => {
        tab.frozen = true
        if (this.#leader !== tab) return
        this.#leader = undefined
        this.#elect()
      },
      wake: () => {
        tab.frozen = false
        if (this.#leader !== tab) this.#resign(tab)
        for (const missed of tab.listeners.values()) missed?.()
        this.#elect()
      },
    }
  }

  #elect(): void {
    if (this.#leader) return
    this.#leader = [...this.#tabs].find((tab) => tab.lead && !tab.frozen)
    if (this.#leader) this.#tellLead(this.#leader)
  }

  #tellLead(tab: Tab): void {
    if (tab.leads) return
    tab.leads = true
    tab.lead?.()
  }

  #resign(tab: Tab | undefined): void {
    if (!tab?.leads || tab.frozen) return
    tab.leads = false
    tab.resign()
  }
}
