import { type OrgId, rosterFeedOf, rosterKey } from '@entente/protocol'
import type { EngineContext } from '../context.js'
import { lastRemoval } from '../identity/roster.js'

/** Notes the last removal of an org, so that what comes under the keys of before waits. Of the own org only once the relay has its roster: it may take another one. */
export async function noteRemoval(
  { rosters, org: own, replica }: Pick<EngineContext, 'rosters' | 'org' | 'replica'>,
  org: OrgId,
): Promise<number> {
  const { keyring } = replica
  const chain = await rosters.chain(org)
  const inbox = org === own.id ? replica.inbox(rosterFeedOf(org)) : undefined
  const standing = inbox ? chain.findLastIndex(({ number, token }) => inbox.get(rosterKey(number))?.body === token) + 1 : chain.length
  const last = lastRemoval(chain.slice(0, standing))
  if (last > keyring.removed(org)) await keyring.noteRemoved(org, last)
  return keyring.removed(org)
}
