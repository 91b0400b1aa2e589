import { type DeviceId, type OrgId, revocationKey } from '@entente/protocol'
import { revocationsOf } from './presence.js'
import type { KeyName, Store } from './store/store.js'

/** Whether an admin of the org has revoked the device: there is a notice of it in the team's messages (rule ID4). */
export async function isRevoked(org: OrgId, device: DeviceId, store: Store): Promise<boolean> {
  return (await store.notice(noticeOf(org, device))) !== undefined
}

/** Those sessions whose device has been revoked, asked for all at once. */
export async function findRevoked<S extends { readonly org: OrgId; readonly device: DeviceId | undefined }>(
  sessions: readonly S[],
  store: Store,
): Promise<readonly S[]> {
  const known = sessions.flatMap((session) => (session.device ? [{ session, notice: noticeOf(session.org, session.device) }] : []))
  const states = await store.keyStates(known.map(({ notice }) => notice))
  return known.filter((_, index) => states[index]?.kind === 'notice').map(({ session }) => session)
}

function noticeOf(org: OrgId, device: DeviceId): KeyName {
  return { feed: revocationsOf(org), key: revocationKey(device) }
}
