import { ownOrgStore } from '@entente/browser'

/** The org's name where the address has none. */
export const defaultOrgName = 'default'

/** The store of the org in `?org=name`; one browser may hold several. The name is local to this browser and nobody else sees it. */
export function orgStoreName(page: Location = location): string {
  return ownOrgStore(new URLSearchParams(page.search).get('org') ?? defaultOrgName)
}
