/**
 * The error codes of the protocol, in the order of the wire. The relay sends them in `refused`, for one offer or request, and in `failed`, which ends the
 * session. docs/errors.md explains each.
 */
export const errorCodes = [
  'AUTH', // the device did not prove who it is, or is no longer accepted
  'VERSION', // this message or protocol version is not supported
  'FRAME', // the bytes are malformed
  'SIZE', // a limit of size is exceeded
  'RATE', // a limit of rate or number is exceeded; try again after the delay
  'FEED', // there is no such feed for this org
  'WRITER', // only the other org writes this feed
  'FIELD', // a slot or key outside the policy
  'TYPE', // content that this doc or feed may not hold
  'STALE_EPOCH', // the epoch or agreement version has been replaced
  'WAIT', // both orgs have not registered this agreement version yet
  'BEHIND', // the offer does not name the key's last entry
  'LOST', // the relay does not know the position that the device names
  'QUOTA', // the org's quota at the relay is used up
  'CLAIMED', // another org has claimed this invitation
  'VOID', // the invitation has ended
  'UNAVAILABLE', // the relay cannot read or store at the moment
] as const

/** One of the protocol's error codes. */
export type ErrorCode = (typeof errorCodes)[number]

/** An error of the protocol. Its message says what is wrong, and never holds a secret or a field's value. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
