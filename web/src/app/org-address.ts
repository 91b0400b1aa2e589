import { defaultOrgName } from './org-store-name.js'

/** The address of an org's page in this browser, by the org's name here. A link from it stays with the org. */
export function addressOfOrg(org: string, page = 'workspace.html'): string {
  return org === defaultOrgName ? page : `${page}?org=${encodeURIComponent(org)}`
}
