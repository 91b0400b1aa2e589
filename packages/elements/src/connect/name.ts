import type { ConnectionView } from '@entente/engine'

/** What a screen calls the other org of a connection: its own name for it, else what the other gave, as text from outside. */
export function connectionName({ label, peerName, side }: Pick<ConnectionView, 'label' | 'peerName' | 'side'>): string {
  return label ?? peerName ?? (side === 'vendor' ? 'the invited partner' : 'the inviting vendor')
}
