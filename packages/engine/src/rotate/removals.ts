import type { OrgId, Roster } from '@entente/protocol'
import type { EngineContext } from '../context.js'

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

/** Notes the last removal of an org, so that what comes under the keys of before waits. */
export async function noteRemoval({ rosters, replica: { keyring } }: EngineContext, org: OrgId): Promise<number> {
  const last = lastRemoval(await rosters.chain(org))
  if (last > keyring.removed(org)) await keyring.noteRemoved(org, last)
  return keyring.removed(org)
}
