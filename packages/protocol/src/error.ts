/**
 * Every way in which the protocol says no. The relay sends these in `refused` (one publish, subscription or request) or `failed` (the
 * session, which then closes). docs/errors.md has a heading for each.
 */
export const errorCodes = [
  'AUTH', // who you are was not shown, or is no longer accepted
  'VERSION', // this message or protocol version is not spoken here
  'FRAME', // the bytes are not what they claim to be
  'SIZE', // over a limit of size
  'RATE', // over a limit of rate or number; come back after the delay
  'FEED', // no such feed for you
  'WRITER', // only the owning org writes this feed
  'FIELD', // a slot or a name outside the policy
  'TYPE', // content that a doc may not hold
  'STALE_EPOCH', // an epoch that has been replaced
  'WAIT', // both orgs have not registered this agreement version yet
  'BEHIND', // the publish does not name the key's last entry
  'LOST', // the relay does not know the position that the device names
  'QUOTA', // the org's space at the relay is used up
  'CLAIMED', // another org holds this invitation
  'VOID', // the invitation has ended
  'UNAVAILABLE', // the relay cannot store at the moment
] as const

export type ErrorCode = (typeof errorCodes)[number]

/** What went wrong in words of the protocol. The message never holds a secret or a field's value. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
