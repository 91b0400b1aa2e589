import { type DeviceId, type OrgId, revocationFeedOf, revocationKey } from '@entente/protocol'
import type { Standing } from '../store/account.js'
import type { KeyName, Store } from '../store/store.js'

/** An org's standing, and whether an admin of it has revoked the device by a control entry in the team's messages (rules ID4, PO7). */
export async function standingOf(
  org: OrgId,
  device: DeviceId,
  store: Store,
): Promise<{ readonly standing: Standing; readonly isRevoked: boolean }> {
  const { standing, hasControlEntry } = await store.standing(org, controlEntryOf(org, device))
  return { standing, isRevoked: hasControlEntry }
}

/** The sessions whose devices are revoked, with all of them looked up at once. */
export async function findRevoked<S extends { readonly org: OrgId; readonly device: DeviceId | undefined }>(
  sessions: readonly S[],
  store: Store,
): Promise<readonly S[]> {
  const known = sessions.flatMap((session) =>
    session.device ? [{ session, controlEntry: controlEntryOf(session.org, session.device) }] : [],
  )
  const states = await store.keyStates(known.map(({ controlEntry }) => controlEntry))
  return known.filter((_, index) => states[index]?.kind === 'control').map(({ session }) => session)
}

function controlEntryOf(org: OrgId, device: DeviceId): KeyName {
  return { feed: revocationFeedOf(org), key: revocationKey(device) }
}
