import type { RosterClaims } from './entries.js'
import type { Org } from './names.js'
import type { Signed } from './signatures.js'

export type Roster = Signed<RosterClaims>

export function rosterKey(number: number): string {
  return `roster.${number}`
}

export function generationKey(generation: number): string {
  return `generation.${generation}`
}

export function isListed(roster: Roster | undefined, device: string): boolean {
  return roster !== undefined && (roster.claims.members.includes(device) || isAdmin(roster, device))
}

export function isAdmin(roster: Roster | undefined, device: string): boolean {
  return roster !== undefined && roster.claims.admins.includes(device)
}

/** Whether `next` follows `highest` by the rules: it names it, and the root or an admin on it signed. The root may begin, and skip. */
export function follows(org: Org, highest: Roster | undefined, next: Roster): boolean {
  const { claims, signer } = next
  if (claims.org !== org || claims.admins.length === 0) return false
  if (signer === `root ${org}`) return claims.number > (highest?.claims.number ?? 0)
  return highest !== undefined && claims.previous === highest && claims.number === highest.claims.number + 1 && isAdmin(highest, signer)
}

/** The rosters from just above `known` up to `highest`, oldest first. */
export function chainTo(highest: Roster | undefined, known: number): readonly Roster[] {
  const chain: Roster[] = []
  for (let at = highest; at && at.claims.number > known; at = at.claims.previous) chain.unshift(at)
  return chain
}
