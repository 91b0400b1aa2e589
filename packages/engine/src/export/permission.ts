import { EngineError } from '../error.js'
import type { ConnectionFacts } from '../connect/connection-facts.js'
import { agreementFacts } from '../agree/agreement-row.js'
import type { ObjectName } from '../api/index.js'
import type { EngineContext } from '../context.js'
import { correctedNow, seatObstacle } from '../people/grants.js'
import { isSwitchedOff } from '../replica/feed-role.js'

/**
 * Why a person of the partner may not export now, or undefined. The partner checks it before it asks, and the vendor before anything leaves.
 *
 * @param object any one if not given
 */
export function exportObstacle(
  context: EngineContext,
  connection: ConnectionFacts,
  person: string,
  object?: ObjectName,
): EngineError | undefined {
  const { rows } = context
  if (!connection.enabled)
    return new EngineError('NOT_CONNECTED', 'The connection is not enabled, so no record can be exported. Connect again.')
  if (connection.paused)
    return new EngineError(
      'NOT_CONNECTED',
      'The connection is paused, so no record can be exported. Wait until it is resumed on both sides.',
    )
  if (!connection.verified) {
    return new EngineError(
      'NOT_VERIFIED',
      'Nobody has compared the codes of both orgs. An admin of each org reads them to the other by phone and confirms that they are the same.',
    )
  }
  if (!connection.confirmed) {
    return new EngineError(
      'NOT_VERIFIED',
      'The other org has not confirmed the codes yet. Nothing travels before both have. Ask its admin to compare them, too.',
    )
  }
  if (object && isSwitchedOff(rows.get('Connection', connection.id), object)) {
    const plural = context.schema(object).plural
    return new EngineError(
      'NOT_CONNECTED',
      `${plural} are switched off for this connection. An admin of the org that did so switches them on again.`,
    )
  }
  if (!agreementFacts(rows.get('Agreement', connection.id)).effective) {
    return new EngineError(
      'NOT_CONNECTED',
      'The connection has no agreement yet. An admin of the partner has to accept the vendor’s proposal.',
    )
  }
  return seatObstacle(rows, connection.id, person, correctedNow(context), object)
}
