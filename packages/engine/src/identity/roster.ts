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

/** The number of the last roster of a chain that removed somebody, or that the root key signed later: what is sealed since must not open for who was on one before. */
export function lastRemoval(chain: readonly Roster[]): number {
  let last = 0
  for (const [index, { number, devices, signer }] of chain.entries()) {
    const before = chain[index - 1]
    const isRecovery = 'root' in signer && number > 1
    if (isRecovery || (before && [...before.devices.keys()].some((device) => !devices.has(device)))) last = number
  }
  return last
}

/** When an org was restored, in milliseconds since 1970, if nobody was removed since; else 0. @param chain from the last roster that the root key signed */
export function restoredAt(chain: readonly Roster[]): number {
  const [first] = chain
  return first && first.number > 1 && lastRemoval(chain) === first.number ? first.time : 0
}
