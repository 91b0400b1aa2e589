import { helloType } from '@entente/protocol'
import { CompactSign } from 'jose'
import { encodeUtf8 } from 'lib0/string'
import { EngineError } from '../error.js'
import type { Hello } from '../link/index.js'
import { type KeyPair, keyPairOf } from './keys.js'
import type { OpenedKit } from './recovery-kit.js'

/** The root key that a kit holds. @throws EngineError INVALID where it is not the key of the org that the kit names */
export async function rootKeyOf({ root, org }: OpenedKit): Promise<KeyPair> {
  const key = await keyPairOf(root)
  if (key.thumbprint !== org)
    throw new EngineError('INVALID', 'This kit holds the key of another org than it names. Choose the file that was saved.')
  return key
}

/** Opens a session in which an org's root key reads the feeds of its team, and nothing else (rule ID8). */
export function rootHello(root: KeyPair): Hello {
  return async ({ nonce, host, version }) => ({
    token: await new CompactSign(encodeUtf8(JSON.stringify({ nonce, aud: host, version, org: root.thumbprint, roster: 1 })))
      .setProtectedHeader({ alg: 'EdDSA', typ: helloType, jwk: root.publicJwk })
      .sign(root.privateKey),
    rosters: [],
  })
}
