import {
  decodeRoster,
  limits,
  type OrgId,
  ProtocolError,
  type Roster,
  type RosterClaims,
  rosterType,
  signingKeyOf,
} from '@entente/protocol'
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
 * @param isPath whether rosters between the two may be left out (rule RO7)
 * @returns undefined for one that does not follow, is malformed, or is of another org
 */
export async function readRoster(token: string, org: OrgId, before: Roster | undefined, isPath = false): Promise<Roster | undefined> {
  try {
    const roster = decodeRoster(token, before)
    if (roster.org !== org) return undefined
    await compactVerify(token, await importJWK(signingKeyOf(roster, before, isPath), 'EdDSA'), { algorithms: ['EdDSA'] })
    return roster
  } catch (error) {
    if (error instanceof ProtocolError || (error instanceof Error && 'code' in error)) return undefined
    throw error
  }
}

/**
 * The shortest path through a chain, in bytes: what proves its highest roster to who knows none (rule RO7). The signer of each roster stands as an admin on all that
 * are left out before it. So who knows one of those follows too.
 *
 * @param chain from one that the root key signed
 */
export function pathOf(chain: readonly Roster[]): readonly Roster[] {
  const paths: { readonly bytes: number; readonly path: readonly Roster[] }[] = []
  for (const [index, roster] of chain.entries()) {
    const { signer, number, token } = roster
    let best = { bytes: 0, path: [] as readonly Roster[] }
    for (let at = index - 1; at >= 0; at--) {
      const [before, known] = [chain[at], paths[at]]
      const isAdmin = 'device' in signer && before?.devices.get(signer.device)?.role === 'admin'
      if (!before || !known || !isAdmin || number - before.number > limits.rostersLeftOut + 1) break
      if (best.bytes === 0 || known.bytes < best.bytes) best = known
    }
    paths.push({ bytes: best.bytes + token.length, path: [...best.path, roster] })
  }
  return paths.at(-1)?.path ?? []
}

/** How many rosters a path leaves out. */
export function leftOutOf(path: readonly Roster[]): number {
  return (path.at(-1)?.number ?? 0) - (path[0]?.number ?? 0) + 1 - path.length
}

/** The rosters of a path, each verified by the one before it. Undefined where one does not follow, or too many are left out. @param tokens from one that the root key signed */
export async function readPath(tokens: readonly string[], org: OrgId): Promise<readonly Roster[] | undefined> {
  const path: Roster[] = []
  for (const token of tokens) {
    const roster = await readRoster(token, org, path.at(-1), true)
    if (!roster) return undefined
    path.push(roster)
  }
  return path.length > 0 && leftOutOf(path) <= limits.rostersLeftOut ? path : undefined
}

/**
 * What a verified path adds to the highest roster that is known: none where it ends below. Undefined where it does not follow from that one: somebody who was removed
 * shows a path of before (rules RO3, RO7).
 */
export function beyond(path: readonly Roster[], known: Roster | undefined): readonly Roster[] | undefined {
  if (!known) return path
  if (path.some(({ number, hash }) => number === known.number && hash !== known.hash)) return undefined
  const later = path.filter(({ number }) => number > known.number)
  try {
    // A device's id is its key's thumbprint, so the signature was verified under this key.
    if (later[0]) signingKeyOf(later[0], known, true)
    return later
  } catch {
    return undefined
  }
}

/**
 * The number of the last roster of a chain that removed somebody, or that the root key signed later: what is sealed since must not open for who was on one before. Where
 * rosters were left out it happened before this device knew the org, and its keys are of later.
 */
export function lastRemoval(chain: readonly Roster[]): number {
  let last = 0
  for (const [index, { number, devices, signer }] of chain.entries()) {
    const before = chain[index - 1]
    const isRecovery = 'root' in signer && number > 1
    const isNext = before?.number === number - 1
    if (isRecovery || (isNext && [...before.devices.keys()].some((device) => !devices.has(device)))) last = number
  }
  return last
}

/** When an org was restored, in milliseconds since 1970, if nobody was removed since, as far as all rosters say; else 0. @param chain from the last roster that the root key signed */
export function restoredAt(chain: readonly Roster[]): number {
  const [first] = chain
  return first && first.number > 1 && leftOutOf(chain) === 0 && lastRemoval(chain) === first.number ? first.time : 0
}
