import { type Infer, struct, text } from '../codec.js'
import { parseConnectionId, parseOrgId } from '../id.js'

/** Device → relay: who the parties of a connection are. The id proves it; see `connectionId`. Answered only when refused (FEED). */
export const attach = struct({
  connection: text(22, parseConnectionId),
  vendor: text(43, parseOrgId),
  partner: text(43, parseOrgId),
  salt: text(64),
})
export type Attach = Infer<typeof attach>
