import { EngineError } from '../error.js'
import type { ConnectionFacts } from '../connect/connection-facts.js'
import { agreementFacts } from '../agree/agreement-row.js'
import type { EngineContext } from '../context.js'
import { hasSeat } from '../people/grants.js'

/** Why a person of the partner may not export now, or undefined. The partner checks it before it asks, and the vendor before anything leaves. */
export function exportObstacle(context: EngineContext, connection: ConnectionFacts, person: string): EngineError | undefined {
  const { rows } = context
  if (!connection.enabled)
    return new EngineError('NOT_CONNECTED', 'The connection is not enabled, so nothing can be exported. Connect again.')
  if (!connection.verified) {
    return new EngineError(
      'NOT_VERIFIED',
      'The codes of both orgs have not been compared. Compare them by telephone and confirm that they are the same.',
    )
  }
  if (!agreementFacts(rows.get('Agreement', connection.id)).effective) {
    return new EngineError('NOT_CONNECTED', 'There is no agreement yet. An admin of the partner has to accept the proposal of the vendor.')
  }
  if (!hasSeat(rows, connection.id, person)) {
    return new EngineError('NOT_ALLOWED', 'This person may not export. An admin of the vendor has to grant it, with a seat that is free.')
  }
  return undefined
}
