import { createHash, timingSafeEqual } from 'node:crypto'
import { ProtocolError } from '@entente/protocol'
import type { RelayConfig } from '../config/config.js'
import type { Account } from '../store/account.js'
import type { Store } from '../store/store.js'

/** Whether a relay with this configuration serves an org of this standing (rules AM1, AM2). */
export function isServed({ standing }: Pick<Account, 'standing'>, { admission }: Pick<RelayConfig, 'admission'>): boolean {
  return standing === 'allowed' || (standing === 'none' && admission === 'open')
}

/**
 * Admits an org or refuses it (rules AM1 to AM3). The join token puts an org on the list, so it needs the token only once.
 *
 * @param account as the store holds it
 * @param shown the join token in the hello
 * @throws ProtocolError AUTH when the relay does not serve the org
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
    // The operator, or another relay, may have changed the org's standing since the read.
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
