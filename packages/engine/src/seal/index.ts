export { claimHash, docKey, mailboxClaim, mailboxId, mailboxKey, messagesKey, teamKey, TeamNames } from './keys.js'
export { messagePlace, open, seal, type SealPlace } from './seal.js'
