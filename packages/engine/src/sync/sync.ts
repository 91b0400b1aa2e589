import { EngineError, type SyncApi } from '../api.js'
import type { EngineContext } from '../context.js'
import type { Duties } from '../link/index.js'
import { askDoorPass } from './door-pass.js'
import type { Problems } from './problems.js'

/** The state of the line and of what waits, the cut-the-wire switch, and the door for a live mirror. */
export function createSync(context: EngineContext, duties: Duties, problems: Problems): SyncApi {
  const { link, clock } = context

  return {
    status() {
      const { reason, lastSynced, ...status } = link.status()
      return { ...status, reason, lastSynced, problems: problems.list }
    },
    cut: () => link.cut(),
    mend: () => link.mend(),
    async settled(ms) {
      let cancel = (): void => undefined
      const deadline = new Promise<'late'>((resolve) => {
        cancel = clock.after(ms, () => resolve('late'))
      })
      const quiet = async (): Promise<'quiet'> => {
        await duties.settled()
        await link.synced()
        return 'quiet'
      }
      // Duties may make something to send, and what arrives may be work for a duty: both must be quiet in the same turn.
      while ((await Promise.race([quiet(), deadline])) === 'quiet') {
        if (!duties.isBusy && link.isSynced) return cancel()
      }
      throw new EngineError('OFFLINE', 'Not everything is in sync yet. It goes on by itself once the relay is reached.')
    },
    openDoor: (mirror) => askDoorPass(context, mirror),
  }
}
