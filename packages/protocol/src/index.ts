export * from './admission.js'
export { type Codec, decode, encode, type Infer } from './codec.js'
export { areCursorsOf, readCursors, type ReadCursors } from './cursors.js'
export * from './doc.js'
export * from './entry.js'
export * from './epoch.js'
export * from './error.js'
export * from './feed.js'
export * from './frame.js'
export { decodeHead, encodeHead, type HeadClaims, headClaims, type HeadEntry, headKey, headType } from './head.js'
export * from './id.js'
export * from './limits.js'
export * from './control-entry.js'
export { parsedText } from './parsed-text.js'
export {
  bytes32,
  decodeRoster,
  exchangeKey,
  type ListedDevice,
  type PublicKey,
  type Role,
  roles,
  type Roster,
  type RosterClaims,
  type RosterDevice,
  rosterKey,
  rosterNumber,
  rosterType,
  signingKeyOf,
  thumbprintOf,
  toPublicKey,
} from './roster.js'
export * from './stamp.js'
export * from './state-vector.js'
export * from './token.js'
export { rootName, type UpdateItem } from './update-reader.js'
