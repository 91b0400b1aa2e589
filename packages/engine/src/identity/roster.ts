import { decodeRoster, type OrgId, ProtocolError, type Roster, type RosterClaims, rosterType, signingKeyOf } from '@entente/protocol'
import { CompactSign, compactVerify, importJWK } from 'jose'
import { encodeUtf8 } from 'lib0/string'
import type { KeyPair } from './keys.js'

/** Signs a roster with the org's root key, or as an admin's device (rule RO1). */
export function signRoster(claims: RosterClaims, by: { readonly root: KeyPair } | { readonly device: KeyPair }): Promise<string> {
  const key = 'root' in by ? by.root : by.device
  return new CompactSign(encodeUtf8(JSON.stringify(claims)))
    .setProtectedHeader({ alg: 'EdDSA', typ: rosterType, ...('root' in by ? { jwk: key.publicJwk } : { kid: key.thumbprint }) })
    .sign(key.privateKey)
}

/**
 * Reads a roster and verifies that it follows the one before it (rules RO1, RO2).
 *
 * @param before the highest verified roster of the org, or undefined where none is known
 * @returns undefined for one that does not follow, is malformed, or is of another org
 */
export async function readRoster(token: string, org: OrgId, before: Roster | undefined): Promise<Roster | undefined> {
  try {
    const roster = decodeRoster(token)
    if (roster.org !== org) return undefined
    await compactVerify(token, await importJWK(signingKeyOf(roster, before), 'EdDSA'), { algorithms: ['EdDSA'] })
    return roster
  } catch (error) {
    if (error instanceof ProtocolError || (error instanceof Error && 'code' in error)) return undefined
    throw error
  }
}

/** The rosters of a chain, each verified by the one before it. Undefined where one does not follow. @param tokens from one that the root key signed */
export async function readChain(tokens: readonly string[], org: OrgId): Promise<readonly Roster[] | undefined> {
  const chain: Roster[] = []
  for (const token of tokens) {
    const roster = await readRoster(token, org, chain.at(-1))
    if (!roster) return undefined
    chain.push(roster)
  }
  return chain.length > 0 ? chain : undefined
}
