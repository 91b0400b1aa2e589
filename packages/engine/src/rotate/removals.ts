import { type OrgId, type Roster, rosterFeedOf, rosterKey } from '@entente/protocol'
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

/** Notes the last removal of an org, so that what comes under the keys of before waits. Of the own org only once the relay has its roster: it may take another one. */
export async function noteRemoval({ rosters, org: own, replica }: EngineContext, org: OrgId): Promise<number> {
  const { keyring } = replica
  const chain = await rosters.chain(org)
  const inbox = org === own.id ? replica.inbox(rosterFeedOf(org)) : undefined
  const standing = inbox ? chain.findLastIndex(({ number, token }) => inbox.get(rosterKey(number))?.body === token) + 1 : chain.length
  const last = lastRemoval(chain.slice(0, standing))
  if (last > keyring.removed(org)) await keyring.noteRemoved(org, last)
  return keyring.removed(org)
}
