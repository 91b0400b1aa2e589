const kept = 'entente-join'

/**
 * Reads the join token of a link like `workspace.html#join=…`, by which a relay's operator admits an org. It removes the token from the address, which
 * people copy, and keeps it for this tab; the relay asks for it only until it knows the org.
 */
export function joinToken(): string | undefined {
  const [, found] = /^#join=([^&]+)$/.exec(location.hash) ?? []
  if (found !== undefined) {
    sessionStorage.setItem(kept, decodeURIComponent(found))
    history.replaceState(null, '', `${location.pathname}${location.search}`)
  }
  return sessionStorage.getItem(kept) ?? undefined
}
