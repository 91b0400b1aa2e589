import { sha256 } from '@noble/hashes/sha2.js'
import { parseConnectionId, parseFeed } from '@entente/protocol'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { toBase64UrlEncoded } from 'lib0/buffer'
import { encodeUtf8 } from 'lib0/string'
import type { AuditEntry, AuditKind } from '../api/index.js'
import { messageFeedKey } from '../replica/feed-key.js'
import { sideOf, textOf } from '../replica/feed-role.js'
import { type Row, valueOf } from '../row/row.js'
import type { RowReader, RowStep } from '../row/rows.js'

// What the saves of this org tell an auditor. Own decisions are messages that a person's device signed; of the other org's, its signed message stands in a row once it
// was verified and taken in. So both are found in the rows that a save changes, and no part of the engine has to remember to write them down.

/** An entry before it has its place in the chain. */
export type Noted = Pick<AuditEntry, 'kind' | 'org'> &
  Partial<Pick<AuditEntry, 'by' | 'device' | 'connection' | 'version' | 'object' | 'count' | 'about' | 'signed'>>

/** Who acts at this device. */
export interface Actor {
  readonly org: string
  readonly person: string
  readonly device: string
}

/** The registers in which the other org's signed messages stand, by object. */
const signedRegisters: Readonly<Record<string, readonly string[]>> = {
  Message: ['body'],
  Connection: ['peerVerified', 'ended', 'takenBack'],
  Agreement: ['proposalDecision', 'acceptanceDecision', 'withdrawalDecision'],
  Announcement: ['content'],
}

const audited: ReadonlySet<string> = new Set([...Object.keys(signedRegisters), 'Grant', 'Setting', 'Invitation', 'SharingRule'])

/** Whether rows of an object may tell an auditor something. */
export const isAudited = (object: string): boolean => audited.has(object)

/** What a step of one row tells. */
export function notedOf(step: RowStep, rows: RowReader, actor: Actor): readonly Noted[] {
  const { after, fields } = step
  const own = { org: 'own', by: actor.person, device: actor.device } as const
  const noted: Noted[] = []
  const signed = (signedRegisters[after.object] ?? []).filter((field) => fields.includes(field))
  for (const field of signed) noted.push(...signedEntry(after, field, actor))
  switch (after.object) {
    case 'Connection':
      if (!step.before) noted.push({ ...own, kind: 'connection', connection: parseConnectionId(after.id) })
      if (fields.includes('peerPause'))
        noted.push({
          kind: typeof valueOf(after, 'peerPause') === 'number' ? 'pause' : 'resume',
          org: 'peer',
          connection: parseConnectionId(after.id),
        })
      break
    case 'Grant': {
      // The partner's device takes grants from the vendor's signed list, which is an entry by itself.
      const [connection = '', person] = after.id.split(':')
      if (sideOf(rows.get('Connection', connection)) === 'vendor')
        noted.push({
          ...own,
          kind: valueOf(after, 'granted') === true ? 'grant' : 'revocation',
          connection: parseConnectionId(connection),
          ...(person !== undefined && { about: person }),
        })
      break
    }
    case 'Setting': {
      const [what, connection = ''] = after.id.split(':')
      const count = valueOf(after, 'value')
      if (what === 'seats' && typeof count === 'number' && sideOf(rows.get('Connection', connection)) === 'vendor')
        noted.push({ ...own, kind: 'seats', connection: parseConnectionId(connection), count })
      break
    }
    case 'Invitation': {
      const state = textOf(after, 'state')
      if (!step.before) noted.push({ ...own, kind: 'invitation', about: sideOf(after) === 'vendor' ? 'made' : 'accepted' })
      else if (fields.includes('cancelled')) noted.push({ ...own, kind: 'invitation', about: 'cancelled' })
      else if (fields.includes('state') && state !== undefined && !isToldBy(state, after))
        noted.push({ kind: 'invitation', org: state === 'claimed' && textOf(after, 'join') === undefined ? 'peer' : 'own', about: state })
      break
    }
    case 'SharingRule': {
      const connection = textOf(after, 'connection') ?? after.id.split(':')[0] ?? ''
      if (rows.get('Connection', connection)) noted.push({ ...own, kind: 'rule', connection: parseConnectionId(connection) })
      break
    }
  }
  return noted
}

/** Whether another entry says the same: a partner claims by accepting, and an invitation is done once the two orgs are connected. */
function isToldBy(state: string, invitation: Row): boolean {
  if (textOf(invitation, 'join') !== undefined) return false
  return state === 'done' || (state === 'claimed' && sideOf(invitation) === 'partner')
}

/** A signed message that a row holds since this save. */
function signedEntry(row: Row, field: string, actor: Actor): readonly Noted[] {
  const jws = textOf(row, field)
  // The own org's messages are found where they are sent, and not once more where a row keeps them.
  const isOwn = row.object === 'Message'
  if (jws === undefined || (isOwn && !isOfConnection(row))) return []
  try {
    const [{ typ = '', kid }, claims] = [decodeProtectedHeader(jws), decodeJwt(jws)]
    if ((claims.iss === actor.org) !== isOwn || typeof claims['connection'] !== 'string') return []
    const type = typ.replace(/^entente-|\+jwt$/g, '')
    const kind = kindOf(type, claims)
    const by = claims['by']
    return [
      {
        kind,
        org: isOwn ? 'own' : 'peer',
        connection: parseConnectionId(claims['connection']),
        signed: toBase64UrlEncoded(sha256(encodeUtf8(jws))),
        ...(typeof by === 'string' && { by }),
        ...(typeof kid === 'string' && { device: kid }),
        ...(typeof claims['version'] === 'number' && { version: claims['version'] }),
        ...((claims['object'] === 'Lead' || claims['object'] === 'Opportunity') && { object: claims['object'] }),
        ...countOf(claims),
        ...(typeof claims['job'] === 'string' ? { about: claims['job'] } : kind === 'other' ? { about: type.slice(0, 40) } : {}),
      },
    ]
  } catch {
    return []
  }
}

function isOfConnection(row: Row): boolean {
  const at = messageFeedKey(row)
  return at !== undefined && parseFeed(at.feed).kind === 'connection'
}

const kinds: Readonly<Record<string, AuditKind>> = {
  verified: 'codes compared',
  proposal: 'proposal',
  acceptance: 'consent',
  withdrawal: 'withdrawal',
  people: 'people',
  grants: 'grants',
  request: 'request',
  package: 'export',
  result: 'import',
  adoption: 'adoption',
  rotation: 'rotation',
}

function kindOf(type: string, claims: Readonly<Record<string, unknown>>): AuditKind {
  if (type === 'end') return claims['reason'] === 'mismatch' ? 'codes differ' : claims['reason'] === 'again' ? 'codes taken back' : 'end'
  if (type === 'pause') return claims['on'] === true ? 'pause' : 'resume'
  return Object.hasOwn(kinds, type) ? (kinds[type] ?? 'other') : 'other'
}

function countOf(claims: Readonly<Record<string, unknown>>): { readonly count?: number } {
  for (const name of ['listings', 'answers', 'results', 'granted', 'people']) {
    const list = claims[name]
    if (Array.isArray(list)) return { count: list.length }
  }
  return {}
}
