import type { SyncApi } from '../api/index.js'
import { EngineError } from '../error.js'
import type { EngineContext } from '../context.js'
import type { Reconcilers } from '../reconcilers.js'
import { askGatewayPass } from './gateway-pass.js'
import type { FreshnessView } from '../heads/index.js'
import type { Problems } from './problems.js'

/** The state of the line and of unpublished changes, the cut-the-wire switch, and the gateway for a live mirror. */
export function createSync(context: EngineContext, reconcilers: Reconcilers, problems: Problems, freshness: FreshnessView): SyncApi {
  const { link, clock } = context

  link.asks.answer(settling, async (ms: number) => {
    let cancel = (): void => undefined
    const deadline = new Promise<'late'>((resolve) => {
      cancel = clock.after(ms, () => resolve('late'))
    })
    const quiet = async (): Promise<'quiet'> => {
      await reconcilers.settled()
      await link.synced()
      return 'quiet'
    }
    // Reconcilers may save rows to publish, and entries may give reconcilers work: both must be quiet in the same turn.
    while ((await Promise.race([quiet(), deadline])) === 'quiet') {
      if (!reconcilers.isBusy && link.isSynced) return cancel()
    }
    throw new Error(unsettled)
  })

  return {
    status() {
      const { reason, lastSynced, ...status } = link.status()
      return { ...status, reason, lastSynced, signed: freshness.feeds(), problems: problems.list }
    },
    cut: () => link.cut(),
    mend: () => link.mend(),
    async settled(ms) {
      await link.asks.ask(settling, ms, ms).catch((error: unknown) => {
        throw new EngineError('OFFLINE', unsettled, [], error)
      })
    },
    openGateway: (mirror) => askGatewayPass(context, mirror),
  }
}

/** The name of the question whether all is in sync. */
const settling = 'settled'
const unsettled = 'Some changes are not in sync yet. Sync goes on by itself once the relay is reached.'
