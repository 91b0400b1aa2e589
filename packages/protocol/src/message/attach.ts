import { type Infer, struct, text } from '../codec.js'
import { parseConnectionId, parseOrgId } from '../id.js'

/**
 * Device → relay: the parties of a connection, which its id proves (rule F3). The session may then use the connection's feeds. The relay answers only a
 * refusal (FEED).
 */
export const attach = struct({
  connection: text(22, parseConnectionId),
  vendor: text(43, parseOrgId),
  partner: text(43, parseOrgId),
  salt: text(64),
})
export type Attach = Infer<typeof attach>
