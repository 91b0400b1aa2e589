import { createHash, timingSafeEqual } from 'node:crypto'
import { ProtocolError } from '@entente/protocol'
import type { RelayConfig } from '../config/config.js'
import type { Account } from '../store/account.js'
import type { Store } from '../store/store.js'

/** Whether a relay set up like this serves an org that stands like this, as it is known by now (rules AM1, AM2). */
export function isServed({ standing }: Pick<Account, 'standing'>, { admission }: Pick<RelayConfig, 'admission'>): boolean {
  return standing === 'allowed' || (standing === 'none' && admission === 'open')
}

/**
 * Lets an org in, or not (rules AM1 to AM3). An org that shows the join token is on the list from then on, and needs it no more.
 *
 * @param account as it stands in the store
 * @param shown the join token that the hello brings
 * @throws ProtocolError AUTH where the relay does not serve the org
 */
export async function admitOrg(
  account: Pick<Account, 'org' | 'standing'>,
  shown: string | undefined,
  config: Pick<RelayConfig, 'admission' | 'joinToken'>,
  store: Store,
): Promise<void> {
  if (isServed(account, config)) return
  const { admission, joinToken } = config
  if (account.standing === 'none' && admission === 'token' && joinToken !== undefined && isSame(shown ?? '', joinToken)) {
    // The operator, or another relay, may have decided about the org since it was read.
    if (await store.changeAccount(account.org, { standing: 'allowed', onlyFrom: 'none' })) return
    if (isServed(await store.account(account.org), config)) return
  }
  throw new ProtocolError('AUTH', 'This relay does not serve your org; ask its operator.')
}

function isSame(shown: string, token: string): boolean {
  return timingSafeEqual(digest(shown), digest(token))
}

function digest(text: string): Uint8Array {
  return createHash('sha256').update(text).digest()
}
