import { type OrgId, parseOrgId } from '@entente/protocol'
import { fromBase64UrlEncoded, toBase64UrlEncoded } from 'lib0/buffer'
import { decodeUtf8, encodeUtf8 } from 'lib0/string'
import { EngineError } from '../error.js'

/** The content of an invitation link. All of it is in the fragment, which no browser sends to a server (rule CN1). */
export interface InvitationLink {
  /** 128 random bits, base64url. */
  readonly secret: string
  /** The org that invites: no other org may answer for it. */
  readonly vendor: OrgId
  /** What the vendor's org calls itself. Nobody has proven it: who made the link wrote it. */
  readonly vendorName: string | undefined
}

/** Characters of a name in a link, and their bytes in base64url at most. */
const nameLength = 80
const fragment = /#(invite|device)=([A-Za-z0-9_-]{22})\.(?:([A-Za-z0-9_-]{1,427})\.)?([A-Za-z0-9_-]{43})$/

/** What a link invites to: a partner to connect, or a device of the own org to join (rules CN1, JN1). */
export type LinkKind = 'invite' | 'device'

/** @param base address of the page that takes the invitation; its fragment is replaced */
export function formatLink(base: string, { secret, vendor, vendorName = '' }: InvitationLink, kind: LinkKind = 'invite'): string {
  const name = claimedName(vendorName)
  const claim = name === undefined ? '' : `${toBase64UrlEncoded(encodeUtf8(name))}.`
  return `${base.replace(/#.*$/, '')}#${kind}=${secret}.${claim}${vendor}`
}

/** A name that nobody has proven: one line, short, without characters that hide or turn others. Undefined where nothing is left. */
function claimedName(text: string): string | undefined {
  const line = text.replace(/\s+/g, ' ').replace(/\p{C}/gu, '').trim()
  return Array.from(line).slice(0, nameLength).join('').trim() || undefined
}

function readName(encoded: string): string | undefined {
  try {
    return claimedName(decodeUtf8(fromBase64UrlEncoded(encoded)))
  } catch {
    return undefined
  }
}

/** What to do with a link that invites to something else. */
const otherKind: Readonly<Record<LinkKind, string>> = {
  invite: 'This link is for a new device of an org. Open it in a browser that has no org yet.',
  device: 'This link invites a partner to connect. Open it in the workspace of your org.',
}

/** @throws EngineError LINK for a text that is no invitation link; its message holds nothing of the link */
export function parseLink(link: string, kind: LinkKind = 'invite'): InvitationLink {
  const [, found, secret, name, vendor] = fragment.exec(link.trim()) ?? []
  if (found !== undefined && found !== kind) throw new EngineError('LINK', otherKind[kind])
  if (!secret || !vendor)
    throw new EngineError('LINK', 'This text is not an invitation link. Copy the whole link, with the part after the “#”.')
  return { secret, vendor: parseOrgId(vendor), vendorName: name === undefined ? undefined : readName(name) }
}
