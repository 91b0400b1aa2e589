import { type Epoch, type FeedName, type Key, otherSide, parseKey, ProtocolError } from '@entente/protocol'
import { decodeJwt } from 'jose'
import { agreementFacts, slotOf } from '../agree/agreement-row.js'
import { connectionFacts } from '../connect/connection-facts.js'
import { slotsRegister } from '../agree/apply-agreement.js'
import { objectNames } from '../agree/narrow-proposal.js'
import type { GatewayPass } from '../api/index.js'
import { EngineError } from '../error.js'
import type { EngineContext } from '../context.js'
import type { GatewayToken } from '../link/index.js'
import { mirrorFeed } from '../mirror/mirror-view.js'
import { textOf } from '../replica/feed-role.js'
import { valueOf } from '../row/row.js'
import { connectionKey } from '../seal/index.js'

/**
 * Asks the relay for a token of a mirror's doc, and adds the key of its seals and the fields of its slots.
 *
 * @throws EngineError NOT_FOUND where there is no such mirror, the relay has nothing of it, or its connection ended; OFFLINE where asking again later helps
 */
export async function askGatewayPass(context: EngineContext, mirror: string): Promise<GatewayPass> {
  const { rows, link } = context
  const map = rows.get('RecordMap', mirror)
  const connection = connectionFacts(rows.get('Connection', textOf(map, 'connection') ?? ''))
  const object = objectNames.find((name) => name === textOf(map, 'object'))
  if (!connection || !object) throw new EngineError('NOT_FOUND', 'This mirror does not exist. Go back to the record.')
  const { id, side, secret, peerName } = connection
  if (!connection.enabled)
    throw new EngineError(
      'NOT_FOUND',
      'This mirror has ended, as its connection is not enabled any more. Its last values stay at the record.',
    )
  if (connection.paused) throw new EngineError('OFFLINE', 'The connection is paused, so no mirror is live. Ask again once it is resumed.')
  const [feed, key] = [mirrorFeed(id, side, object), parseKey(mirror)]
  const { token, expires } = await askToken(context, feed, key)
  const epoch = epochOf(token)
  // Read after the relay has answered: its answer may name an agreement that came in meanwhile.
  const agreement = rows.get('Agreement', id)
  if (valueOf(agreement, slotsRegister(epoch.version)) === undefined)
    throw new EngineError('OFFLINE', 'The mirror’s agreement has not reached this device yet. Ask again in a moment.')
  const peer = otherSide(side)
  const fields = (agreementFacts(agreement).effective?.objects[object]?.fields ?? []).map((agreed) => {
    const field = agreed[peer]
    return { field, slot: agreed.slot === undefined ? undefined : slotOf(agreement, epoch.version, object, peer, field.name) }
  })
  return {
    mirror: key,
    object,
    peerName,
    room: `${encodeURIComponent(feed)}/${key}`,
    token,
    expires: expires - link.clockOffset,
    feed,
    key,
    epoch,
    sealKey: connectionKey(secret, id, peer, 'docs'),
    fields,
  }
}

async function askToken({ link, replica }: EngineContext, feed: FeedName, key: Key): Promise<GatewayToken> {
  try {
    return await link.askGateway(feed, key)
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    if (error.code !== 'FEED') throw new EngineError('OFFLINE', error.message, [], error)
    const message =
      replica.peerDocs(feed).get(key)?.kind === 'erased'
        ? 'This mirror has ended, as its record is not shared any more. Its last values stay at the record.'
        : 'The relay has nothing of this mirror yet. Ask again later.'
    throw new EngineError('NOT_FOUND', message, [], error)
  }
}

/** The epoch of the doc that a token opens (rule GW4). The token does not prove it, but under a wrong one no seal opens. */
function epochOf(token: string): Epoch {
  try {
    const { version, number } = decodeJwt(token)
    if (typeof version === 'number' && typeof number === 'number') return { version, number }
  } catch {
    // The same as a token without an epoch.
  }
  throw new EngineError(
    'OFFLINE',
    'The relay’s token names no epoch. Ask again. If that does not help, ask the operator to update the relay.',
  )
}
