const kept = 'entente-join'

/**
 * The join token of a link like `workspace.html#join=…`, by which a relay's operator lets an org in. It is taken out of the address, where it might be
 * copied with it, and stays with this tab; the relay asks for it only until it knows the org.
 */
export function joinToken(): string | undefined {
  const [, found] = /^#join=([^&]+)$/.exec(location.hash) ?? []
  if (found !== undefined) {
    sessionStorage.setItem(kept, decodeURIComponent(found))
    history.replaceState(null, '', `${location.pathname}${location.search}`)
  }
  return sessionStorage.getItem(kept) ?? undefined
}
