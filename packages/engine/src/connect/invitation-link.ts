import { type OrgId, parseOrgId } from '@entente/protocol'
import { EngineError } from '../error.js'

/** The content of an invitation link. All of it is in the fragment, which no browser sends to a server (rule CN1). */
export interface InvitationLink {
  /** 128 random bits, base64url. */
  readonly secret: string
  /** The org that invites: no other org may answer for it. */
  readonly vendor: OrgId
}

const fragment = /#invite=([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{43})$/

/** @param base address of the page that takes the invitation; its fragment is replaced */
export function formatLink(base: string, { secret, vendor }: InvitationLink): string {
  return `${base.replace(/#.*$/, '')}#invite=${secret}.${vendor}`
}

/** @throws EngineError LINK for a text that is no invitation link; its message holds nothing of the link */
export function parseLink(link: string): InvitationLink {
  const [, secret, vendor] = fragment.exec(link.trim()) ?? []
  if (!secret || !vendor)
    throw new EngineError('LINK', 'This text is not an invitation link. Copy the whole link, with the part after the “#”.')
  return { secret, vendor: parseOrgId(vendor) }
}
