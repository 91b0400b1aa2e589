import { freeOrgName } from '@entente/browser'

/**
 * The link with which a device joins an org, where this page was opened by one: `workspace.html#device=…`. It holds a secret, so it leaves the address, which people
 * copy, at once.
 */
export function takeJoinLink(): string | undefined {
  if (!location.hash.startsWith('#device=')) return undefined
  const link = location.href
  history.replaceState(null, '', `${location.pathname}${location.search}`)
  return link
}

/** The same link, for a browser that has an org already: it joins under another name. */
export function linkUnderAnotherName(link: string): string {
  const url = new URL(link)
  url.searchParams.set('org', freeOrgName())
  return url.href
}
