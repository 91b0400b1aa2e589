import type { EngineContext } from '../context.js'
import type { FreshnessTable } from '../heads/index.js'
import type { Scope } from '../link/index.js'
import type { Store, StoreKey } from '../port/store.js'
import type { Tabs } from '../port/tabs.js'
import { DeviceTable } from '../device/device-table.js'
import { teamFeed } from '../replica/feed-role.js'

const kind = 'restored'
const unconfirmed = 'unconfirmed'

/** Stands in the store while nobody knows whether what was restored is the org's latest state (rule RK5). */
export const unconfirmedKey: StoreKey = [kind, unconfirmed]

/**
 * Whether what this device was restored from is as new as it should be. Until a head of its team fits, or an admin has confirmed the age, the device publishes in its
 * team only (rule RK5).
 */
export class Age {
  readonly #table: DeviceTable<true>

  static async open(store: Store, tabs: Tabs): Promise<Age> {
    return new Age(await DeviceTable.open<true>(store, tabs, kind))
  }

  private constructor(table: DeviceTable<true>) {
    this.#table = table
  }

  get isOpen(): boolean {
    return this.#table.get(unconfirmed) === true
  }

  readonly scope = (): Scope => (this.isOpen ? 'team' : 'all')

  /** Goes on with connections. */
  async confirm(): Promise<void> {
    if (this.isOpen) await this.#table.write(this.#table.attach([[unconfirmed, undefined]]))
  }

  /** Confirms once a head of the team's rows fits what this device holds. @returns the function that ends this */
  follow({ org, problem }: Pick<EngineContext, 'org' | 'problem'>, freshness: FreshnessTable): () => void {
    const feed = teamFeed(org.id, 'rows')
    const look = (): void => {
      if (this.isOpen && freshness.get(feed).confirmed !== undefined)
        this.confirm().catch((error: unknown) => problem(error instanceof Error ? error.message : 'The age could not be confirmed.'))
    }
    look()
    return freshness.watch(look)
  }

  watch(listener: () => void): () => void {
    return this.#table.watch(listener)
  }

  close(): void {
    this.#table.close()
  }
}
