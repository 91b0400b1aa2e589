import { type DeviceId, feedName, type OrgId, revocationKey } from '@entente/protocol'
import type { Store } from './store/store.js'

/** Whether an admin of the org has revoked the device: there is a notice of it in the team's messages (rule ID4). */
export async function isRevoked(org: OrgId, device: DeviceId, store: Store): Promise<boolean> {
  const [state] = await store.keyStates([{ feed: feedName({ kind: 'team', org, topic: 'messages' }), key: revocationKey(device) }])
  return state?.kind === 'notice'
}
