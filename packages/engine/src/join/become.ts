import type { OrgId } from '@entente/protocol'
import type { OrgPackage } from '../devices/join-package.js'
import { EngineError } from '../error.js'
import { identityKey, type StoredIdentity, withoutRoot } from '../identity/identity.js'
import { readPath } from '../identity/roster.js'
import type { Write } from '../port/store.js'
import type { Row } from '../row/row.js'
import { rowWrite } from '../row/stored-row.js'
import { keyringKey } from '../seal/keyring.js'

/**
 * What makes a device one of an org: who it is there, the org's keys and its first rows.
 *
 * @param before the device's throw-away org, whose keys it keeps
 * @throws EngineError INVALID where the first roster is not the org's
 */
export async function writesOfOrg(
  org: OrgId,
  before: StoredIdentity,
  { orgName, user, founding, rosters, keys, rows }: OrgPackage,
): Promise<readonly Write[]> {
  const [first] = (await readPath([founding], org)) ?? []
  if (!first || !('root' in first.signer))
    throw new EngineError('INVALID', 'The first roster of the org is missing. Ask for a new invitation.')
  const { isJoining: _, isKitSaved: __, ...kept } = withoutRoot(before)
  const joined: StoredIdentity = {
    ...kept,
    orgName,
    user: { ...user, role: user.role === 'admin' ? 'admin' : 'member' },
    root: { publicJwk: first.signer.root, thumbprint: org },
    founding,
    isShown: true,
  }
  const path = (await readPath(rosters, org)) ?? []
  const rosterRows = path.map(({ number, time, token }): Row => {
    return { object: 'Roster', id: `${org}.${number}`, registers: { token: [[Math.max(0, time), 0, 0], token] } }
  })
  return [{ put: identityKey, value: joined }, { put: keyringKey, value: keys }, ...[...rosterRows, ...rows].map(rowWrite)]
}
