import { isStamp, type OrgId, parsedText, parseOrgId, type Stamp } from '@entente/protocol'
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js'
import { fromBase64UrlEncoded, toBase64UrlEncoded } from 'lib0/buffer'
import { decodeUtf8, encodeUtf8 } from 'lib0/string'
import * as v from 'valibot'
import type { BackupFile } from '../api/index.js'
import { EngineError } from '../error.js'
import { type ExchangeKey, exchangeKeyOf } from '../identity/keys.js'
import type { OpenedKit } from '../identity/recovery-kit.js'
import { type Clock, nextTurn } from '../port/clock.js'
import type { RandomBytes } from '../port/random.js'
import type { Store } from '../port/store.js'
import { decides } from '../row/deciding.js'
import { type Row, setRegister } from '../row/row.js'
import type { Rows } from '../row/rows.js'
import { rowWrite } from '../row/stored-row.js'
import { openFrom, sealInfo, sealTo } from '../seal/seal-to-device.js'

// A backup is a file with all rows of an org. Its key is sealed to the recovery kit, so any admin's device makes one, without a passphrase, and only the kit opens it
// (rule RK7). It needs no secrets: those of later generations stand in the rotations among its rows, sealed to the kit.

/** Rows of one piece: a page draws between two of them. */
const rowsPerPiece = 200
const [mostHeader, mostPiece] = [16_384, 32 * 2 ** 20]

const headerSchema = v.object({
  format: v.literal('entente-backup'),
  version: v.literal(1),
  org: parsedText(parseOrgId),
  name: v.pipe(v.string(), v.maxLength(200)),
  made: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  /** The key of the kit that opens it, and the file's key, sealed to that. */
  kit: v.pipe(v.string(), v.maxLength(64)),
  sealed: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{107}$/)),
  nonce: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{22}$/)),
})

const stamp = v.custom<Stamp>((value) => isStamp(value))
const register = v.union([v.strictTuple([stamp, v.any(), v.pipe(v.string(), v.maxLength(200))]), v.strictTuple([stamp, v.any()])])
const pieceSchema = v.object({
  rows: v.pipe(v.array(v.tuple([v.string(), v.string(), v.array(v.tuple([v.string(), register]))])), v.maxLength(rowsPerPiece)),
})
type Piece = v.InferOutput<typeof pieceSchema>

export interface BackupParts {
  readonly rows: Rows
  readonly clock: Clock
  readonly random: RandomBytes
}

/**
 * Makes a backup, a piece at a time: what is saved meanwhile may be in it or not.
 *
 * @param kit the public half of the saved kit's key, base64url
 */
export async function makeBackup(
  org: { readonly id: OrgId; readonly name: string },
  kit: string,
  parts: BackupParts,
): Promise<Uint8Array[]> {
  const { rows, clock, random } = parts
  const key = random(32)
  const nonce = random(16)
  const sealed = await sealTo(kit, infoOf(org.id), new Uint8Array(), key)
  const header = encodeUtf8(
    `${JSON.stringify({
      format: 'entente-backup',
      version: 1,
      org: org.id,
      name: org.name,
      made: Math.max(0, Math.floor(clock.now())),
      kit,
      sealed: toBase64UrlEncoded(sealed),
      nonce: toBase64UrlEncoded(nonce),
    })}\n`,
  )
  const pieces: Uint8Array[] = [header]
  let count = 0
  const add = (piece: Piece, isLast: boolean): void => {
    const bytes = cipherOf(key, header, nonce, count++, isLast).encrypt(encodeUtf8(JSON.stringify(piece)))
    pieces.push(lengthOf(bytes.length), bytes)
  }
  for (const object of rows.objects()) {
    const all = [...rows.list(object).values()]
    for (let start = 0; start < all.length; start += rowsPerPiece) {
      add(
        { rows: all.slice(start, start + rowsPerPiece).map(({ id, registers }) => [object, id, Object.entries(registers) as never]) },
        false,
      )
      await nextTurn(clock)
    }
  }
  add({ rows: [] }, true)
  return pieces
}

/**
 * Reads a backup into an empty store, a piece at a time. Where it fails, the caller empties the store.
 *
 * @returns the rows that decide, which are not in the store: any device of the org can make a backup, so they are judged first (rule RK8)
 * @throws EngineError INVALID for a file that is no backup, was cut or changed, or is of another org or kit
 */
export async function readBackup(file: BackupFile, kit: OpenedKit, store: Store, clock: Clock): Promise<readonly Row[]> {
  const head = await bytesOf(file, 0, mostHeader)
  const end = head.indexOf(0x0a)
  const parsed = v.safeParse(headerSchema, end < 0 ? undefined : parseJson(head.subarray(0, end)))
  if (!parsed.success) throw new EngineError('INVALID', 'This file is no backup. Choose the file that was saved as one.')
  const { org, kit: sealedTo, sealed, nonce } = parsed.output
  const own = await exchangeKeyOf(kit.recovery)
  if (org !== kit.org || sealedTo !== own.public)
    throw new EngineError('INVALID', 'This backup is of another org, or was made for another kit. Choose the kit that was saved before it.')
  const key = await keyOf(sealed, org, own)
  const header = head.slice(0, end + 1)
  const deciding: Row[] = []
  let at = header.length
  for (let count = 0; ; count++) {
    const { piece, next, isLast } = await readPiece(file, at, (isEnd) => cipherOf(key, header, fromBase64UrlEncoded(nonce), count, isEnd))
    const rows = piece.rows.map(rowOf)
    deciding.push(...rows.filter(({ object, id }) => decides(object, id)))
    const writes = rows.filter(({ object, id }) => !decides(object, id) && !isOwnKey(object, id)).map(rowWrite)
    await store.update([], () => ({ writes, result: undefined }))
    at = next
    if (isLast) break
    await nextTurn(clock)
  }
  if (at !== file.size) throw damaged()
  return deciding
}

async function readPiece(
  file: BackupFile,
  at: number,
  cipher: (isLast: boolean) => ReturnType<typeof cipherOf>,
): Promise<{ readonly piece: Piece; readonly next: number; readonly isLast: boolean }> {
  const start = await bytesOf(file, at, at + 4)
  const length = start.length === 4 ? new DataView(start.buffer, start.byteOffset).getUint32(0) : 0
  const next = at + 4 + length
  if (length === 0 || length > mostPiece || next > file.size) throw damaged()
  const isLast = next === file.size
  try {
    const plain = cipher(isLast).decrypt(await bytesOf(file, at + 4, next))
    return { piece: v.parse(pieceSchema, parseJson(plain)), next, isLast }
  } catch {
    throw damaged()
  }
}

/** The own secret of the first generation is that of the kit, whatever a file says. */
const isOwnKey = (object: string, id: string): boolean => object === 'Key' && id === 'team'

function rowOf([object, id, registers]: Piece['rows'][number]): Row {
  const row: Record<string, Row['registers'][string]> = {}
  for (const [field, value] of registers) setRegister(row, field, value)
  return { object, id, registers: row }
}

async function keyOf(sealed: string, org: OrgId, own: ExchangeKey): Promise<Uint8Array> {
  const key = await openFrom(own, infoOf(org), new Uint8Array(), fromBase64UrlEncoded(sealed))
  if (key?.length !== 32) throw damaged()
  return key
}

const infoOf = (org: OrgId): Uint8Array => sealInfo({ purpose: 'backup', of: org, generation: 0 })

/** The cipher of a piece, whose associated data is the header. */
function cipherOf(key: Uint8Array, header: Uint8Array, nonce: Uint8Array, count: number, isLast: boolean) {
  return xchacha20poly1305(key, nonceOf(nonce, count, isLast), header)
}

/** Each piece has its place in its nonce, and the last one says so: none can be left out, moved or cut off. */
function nonceOf(nonce: Uint8Array, count: number, isLast: boolean): Uint8Array {
  const bytes = new Uint8Array(24)
  bytes.set(nonce)
  new DataView(bytes.buffer).setUint32(16, count)
  bytes[23] = isLast ? 1 : 0
  return bytes
}

function lengthOf(length: number): Uint8Array {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, length)
  return bytes
}

async function bytesOf(file: BackupFile, start: number, end: number): Promise<Uint8Array> {
  return new Uint8Array(await file.slice(start, end).arrayBuffer())
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decodeUtf8(bytes))
  } catch {
    return undefined
  }
}

const damaged = (): EngineError =>
  new EngineError('INVALID', 'This backup is damaged or was cut off. Choose another copy of it. Nothing was changed.')
