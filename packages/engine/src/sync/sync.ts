import { type ConnectionId, otherSide, parseKey } from '@entente/protocol'
import { EngineError, type SyncApi } from '../api.js'
import type { EngineContext } from '../context.js'
import type { Duties } from '../link/index.js'
import { connectionFeed } from '../replica/index.js'
import { sideOf, textOf, topicByObject } from '../replica/meaning.js'
import type { Problems } from './problems.js'

/** The state of the line and of what waits, the cut-the-wire switch, and the door for a live mirror. */
export function createSync(context: EngineContext, duties: Duties, problems: Problems): SyncApi {
  const { link, clock, rows } = context

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
    async openDoor(mirror) {
      const map = rows.get('RecordMap', mirror)
      const connection = textOf(map, 'connection')
      const side = connection ? sideOf(rows.get('Connection', connection)) : undefined
      const topic = topicByObject[textOf(map, 'object') ?? '']
      if (!connection || !side || !topic) throw new EngineError('NOT_FOUND', 'There is no such mirror. Go back to the record.')
      const feed = connectionFeed(connection as ConnectionId, otherSide(side), topic)
      const { token, expires } = await link.askDoor(feed, parseKey(mirror))
      return { room: `${encodeURIComponent(feed)}/${mirror}`, token, expires }
    },
  }
}
