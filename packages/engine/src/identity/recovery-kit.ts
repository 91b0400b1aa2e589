import { type OrgId, parsedText, parseOrgId } from '@entente/protocol'
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js'
import { scryptAsync } from '@noble/hashes/scrypt.js'
import { fromBase64UrlEncoded, toBase64UrlEncoded } from 'lib0/buffer'
import { decodeUtf8, encodeUtf8 } from 'lib0/string'
import * as v from 'valibot'
import { EngineError } from '../error.js'
import type { RandomBytes } from '../port/random.js'

// A recovery kit is a file. It holds what an org is remade from when all its devices are gone, sealed under a passphrase that is shown once and that nobody chose
// (SPEC, section 18).

/** What the kit seals: each a secret half, 32 bytes in base64url. */
export interface KitSecrets {
  /** The Ed25519 root key's seed. */
  readonly root: string
  /** The X25519 key to which the org's next secrets are sealed (rule RT2). */
  readonly recovery: string
  /** The org's own secret of generation 1, of which the keys of its team are derived. */
  readonly team: string
}

/** What an opened kit holds, and what it says of itself. */
export interface OpenedKit extends KitSecrets {
  readonly org: OrgId
  /** The org's name when the kit was made. */
  readonly name: string
  /** Milliseconds since 1970, by the device that made it. */
  readonly made: number
}

export interface RecoveryKit {
  /** The content of the file, JSON. */
  readonly file: string
  /** Five groups of four characters. It is nowhere but here: whoever loses it cannot open the file. */
  readonly passphrase: string
}

/** Crockford's base32: no letter looks like a digit. */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const passphraseLength = 20
/** The cost at which kits are made, and the highest that one is opened at: a file from a stranger must not stop the page. */
const cost = { N: 2 ** 15, r: 8, p: 1 } as const
const mostN = 2 ** 17
const mostFileLength = 16_384

const bytes = (count: number) => v.pipe(v.string(), v.regex(new RegExp(`^[A-Za-z0-9_-]{${Math.ceil((count * 4) / 3)}}$`)))
const headSchema = v.object({
  format: v.literal('entente-recovery-kit'),
  version: v.literal(1),
  org: parsedText(parseOrgId),
  name: v.pipe(v.string(), v.maxLength(200)),
  made: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  scrypt: v.object({
    N: v.pipe(
      v.number(),
      v.safeInteger(),
      v.minValue(2 ** 14),
      v.maxValue(mostN),
      v.check((n) => (n & (n - 1)) === 0),
    ),
    r: v.literal(8),
    p: v.literal(1),
    salt: bytes(16),
  }),
  nonce: bytes(24),
})
const fileSchema = v.object({ ...headSchema.entries, sealed: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{16,4096}$/)) })
const secretsSchema = v.object({ root: bytes(32), recovery: bytes(32), team: bytes(32) })
type Head = v.InferOutput<typeof headSchema>

/** Seals a kit (rule RK1). @param now milliseconds since 1970 */
export async function sealKit(
  org: { readonly id: OrgId; readonly name: string },
  secrets: KitSecrets,
  now: number,
  random: RandomBytes,
): Promise<RecoveryKit> {
  // 256 is a multiple of 32, so each character is as likely as any other.
  const plain = [...random(passphraseLength)].map((byte) => alphabet[byte % alphabet.length]).join('')
  const head: Head = {
    format: 'entente-recovery-kit',
    version: 1,
    org: org.id,
    name: org.name,
    made: Math.max(0, Math.floor(now)),
    scrypt: { ...cost, salt: toBase64UrlEncoded(random(16)) },
    nonce: toBase64UrlEncoded(random(24)),
  }
  const cipher = await cipherOf(head, plain)
  const sealed = toBase64UrlEncoded(cipher.encrypt(encodeUtf8(JSON.stringify(secrets))))
  return { file: `${JSON.stringify({ ...head, sealed }, null, 2)}\n`, passphrase: plain.replace(/.{4}(?=.)/g, '$&-') }
}

/**
 * Opens a kit (rule RK2).
 *
 * @param passphrase as a person types it: case, spaces and dashes do not matter, and O, I and L are read as the digits that they look like
 * @throws EngineError INVALID for a file that is no kit, or a passphrase that does not open it
 */
export async function openKit(file: string, passphrase: string): Promise<OpenedKit> {
  const { sealed, ...head } = readKit(file)
  const plain = passphrase.toUpperCase().replaceAll('O', '0').replace(/[IL]/g, '1').replace(/[\s-]/g, '')
  const failed = new EngineError('INVALID', 'This passphrase does not open the kit. Look at each character again.')
  if (plain.length !== passphraseLength) throw failed
  const cipher = await cipherOf(head, plain)
  try {
    const secrets = v.parse(secretsSchema, JSON.parse(decodeUtf8(cipher.decrypt(fromBase64UrlEncoded(sealed)))))
    return { org: head.org, name: head.name, made: head.made, ...secrets }
  } catch {
    throw failed
  }
}

/** What a kit says of itself, unopened. @throws EngineError INVALID for a file that is no kit */
export function readKit(file: string): Head & { readonly sealed: string } {
  const read = v.safeParse(fileSchema, file.length <= mostFileLength ? parseJson(file) : undefined)
  if (!read.success) throw new EngineError('INVALID', 'This file is no recovery kit. Choose the file that was saved as one.')
  return read.output
}

/** The cipher of a kit, whose associated data is everything that the file says beside the seal. */
async function cipherOf({ format, version, org, name, made, scrypt, nonce }: Head, passphrase: string) {
  const { N, r, p, salt } = scrypt
  const key = await scryptAsync(encodeUtf8(passphrase), fromBase64UrlEncoded(salt), { N, r, p, dkLen: 32 })
  const bound = JSON.stringify([format, version, org, name, made, N, r, p, salt])
  return xchacha20poly1305(key, fromBase64UrlEncoded(nonce), encodeUtf8(bound))
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
