import { isStamp, type OrgId, type Role, roles } from '@entente/protocol'
import { fromBase64UrlEncoded, toBase64UrlEncoded } from 'lib0/buffer'
import { decodeUtf8, encodeUtf8 } from 'lib0/string'
import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes } from '@noble/hashes/utils.js'
import * as v from 'valibot'
import { EngineError } from '../error.js'
import type { ExchangeKey } from '../identity/keys.js'
import { type Register, type Row, setRegister } from '../row/row.js'
import type { Rows } from '../row/rows.js'
import { parseValue } from '../schema/value.js'
import type { StoredKeys } from '../seal/keyring.js'
import { openFrom, sealInfo, sealTo } from '../seal/seal-to-device.js'

// What a device is given when it joins: who it is, the secrets of its org, what decides, and the latest records, so that its first screen works at once. The team's
// rows bring the rest. It travels in parts, each sealed to the device's exchange key (rules JN3, JN4).

/** A mailbox holds 16 messages of a side, and some of them say other things. */
export const mostParts = 12
/** Bytes of a part, but of the last one: sealed and in base64url it fits into one value. */
const partBytes = 44_000
const mostRecords = 200

/** What a device that joins becomes. */
export interface PackageHead {
  readonly orgName: string
  readonly user: { readonly id: string; readonly name: string; readonly role: Role }
  /** The first roster of the org. */
  readonly founding: string
  /** The path to the first one that names the device (rule RO7), and all later ones. The team's rows bring those that it leaves out. */
  readonly rosters: readonly string[]
  /** The secrets of later generations; those of generation 0 are rows. */
  readonly keys: StoredKeys
}

export interface OrgPackage extends PackageHead {
  readonly rows: readonly Row[]
}

/** The objects of which a device gets every row: what decides, and what its pages cannot do without. */
const essentials = [
  'Key',
  'Connection',
  'Decision',
  'Agreement',
  'Setting',
  'SharingRule',
  'Grant',
  'User',
  'Schema',
  'Field',
  'Device',
] as const

/** The rows that a device gets at once, the most needed first. */
export function firstRows(rows: Rows): readonly Row[] {
  const first: Row[] = essentials.flatMap((object) => [...rows.list(object).values()])
  const records = ['Lead', 'Opportunity'].flatMap((object) => [...rows.list(object).values()])
  const latest = records.map((row) => ({ row, time: timeOf(row) })).sort((a, b) => b.time - a.time)
  for (const { row } of latest.slice(0, mostRecords)) first.push(row)
  return first
}

function timeOf(row: Row): number {
  let latest = 0
  for (const [stamp] of Object.values(row.registers)) latest = Math.max(latest, stamp[0])
  return latest
}

/**
 * The package as JSON, cut into at most `mostParts` pieces. Rows that have no room come with the team's rows.
 *
 * @throws EngineError SIZE where the rosters and keys alone are too much
 */
export function partsOf(head: PackageHead, rows: readonly Row[]): readonly Uint8Array[] {
  const [begin, end] = [`{"head":${JSON.stringify(head)},"rows":[`, ']}']
  const texts: string[] = []
  let size = encodeUtf8(begin + end).length
  if (size > mostParts * partBytes) throw tooMuch()
  for (const { object, id, registers } of rows) {
    const text = JSON.stringify([object, id, registers])
    size += encodeUtf8(text).length + 1
    if (size > mostParts * partBytes) break
    texts.push(text)
  }
  const whole = encodeUtf8(begin + texts.join() + end)
  const parts: Uint8Array[] = []
  for (let at = 0; at < whole.length; at += partBytes) parts.push(whole.subarray(at, at + partBytes))
  return parts
}

const tooMuch = (): EngineError =>
  new EngineError('SIZE', 'The keys of this org have changed too often for another device to join. Restore the org with its recovery kit.')

/** Seals a part to the device that joins. @throws EngineError INVALID for a key of small order */
export async function sealPart(exchange: string, org: OrgId, transcript: string, index: number, part: Uint8Array): Promise<string> {
  return toBase64UrlEncoded(await sealTo(exchange, infoOf(org), placeOf(transcript, index), part))
}

/** What names a sealed part in the message that signs all of them. */
export function hashOfPart(sealed: string): string {
  return toBase64UrlEncoded(sha256(encodeUtf8(sealed)))
}

const infoOf = (org: OrgId): Uint8Array => sealInfo({ purpose: 'joining', of: org, generation: 0 })
const placeOf = (transcript: string, index: number): Uint8Array => encodeUtf8(`${transcript}\n${index}`)

/**
 * Opens what was sealed to a device. Undefined where a part does not open, or has another form.
 *
 * @param pause is waited for after each part, so that a page draws in between
 */
export async function openParts(
  key: ExchangeKey,
  org: OrgId,
  transcript: string,
  sealed: readonly string[],
  pause: () => Promise<void> = () => Promise.resolve(),
): Promise<OrgPackage | undefined> {
  const parts: Uint8Array[] = []
  for (const [index, text] of sealed.entries()) {
    const part = await openFrom(key, infoOf(org), placeOf(transcript, index), bytesOf(text))
    if (!part) return undefined
    parts.push(part)
    await pause()
  }
  return readParts(parts)
}

/** Empty for a text of another form, which opens nowhere. */
function bytesOf(text: string): Uint8Array {
  try {
    return fromBase64UrlEncoded(text)
  } catch {
    return new Uint8Array()
  }
}

const secrets = v.record(v.string(), v.string())
const headShape = v.object({
  orgName: v.pipe(v.string(), v.minLength(1), v.maxLength(200)),
  user: v.object({
    id: v.pipe(v.string(), v.minLength(1), v.maxLength(64)),
    name: v.pipe(v.string(), v.maxLength(200)),
    role: v.picklist(roles),
  }),
  founding: v.string(),
  rosters: v.pipe(v.array(v.string()), v.minLength(1)),
  keys: v.looseObject({
    own: secrets,
    sending: v.record(v.string(), v.record(v.string(), v.looseObject({ secret: v.string(), own: v.number() }))),
  }),
})
const packageShape = v.object({ head: headShape, rows: v.array(v.unknown()) })

/** Reads the parts of a package. Undefined for another form. */
export function readParts(parts: readonly Uint8Array[]): OrgPackage | undefined {
  try {
    const { head, rows } = v.parse(packageShape, JSON.parse(decodeUtf8(concatBytes(...parts))))
    const all = rows.map(readRow)
    return all.every((row) => row !== undefined) ? { ...(head as PackageHead), rows: all } : undefined
  } catch {
    return undefined
  }
}

function readRow(input: unknown): Row | undefined {
  if (!Array.isArray(input) || input.length !== 3) return undefined
  const [object, id, fields] = input as readonly unknown[]
  if (typeof object !== 'string' || typeof id !== 'string' || typeof fields !== 'object' || fields === null) return undefined
  const registers: Record<string, Register> = {}
  for (const [field, register] of Object.entries(fields)) {
    const [stamp, content, proof] = Array.isArray(register) ? (register as readonly unknown[]) : []
    const value = parseValue(content)
    if (!isStamp(stamp) || !value.ok) return undefined
    setRegister(registers, field, typeof proof === 'string' ? [stamp, value.value, proof] : [stamp, value.value])
  }
  return { object, id, registers }
}
