import type { ConnectionId } from '@entente/protocol'

/** The user id under which an org records what a connection's exports, imports and mirrors did. */
export function integrationUser(connection: ConnectionId): string {
  return `integration.${connection}`
}
