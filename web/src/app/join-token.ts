import { orgStoreName } from './org-store-name.js'

/** For one org: another one in this tab, at another relay perhaps, must not show it. */
const keptAs = (): string => `entente-join ${orgStoreName()}`

/**
 * Reads the join token of a link like `workspace.html#join=…`, by which a relay's operator admits an org. It removes the token from the address, which
 * people copy, and keeps it for this tab; the relay asks for it only until it knows the org.
 */
export function joinToken(): string | undefined {
  const [, found] = /^#join=([^&]+)$/.exec(location.hash) ?? []
  if (found !== undefined) {
    sessionStorage.setItem(keptAs(), decodeURIComponent(found))
    history.replaceState(null, '', `${location.pathname}${location.search}`)
  }
  return sessionStorage.getItem(keptAs()) ?? undefined
}
