import { webcrypto } from 'node:crypto'
import type { StoreKey } from '@entente/engine'
import { MemoryStore } from '@entente/engine/testing'

/** The entries of a store as `MemoryStore` holds them. */
export type Entries = Map<string, readonly [StoreKey, unknown]>

/** An entry of a dump. Bytes are `{$bytes}` in base64url, keys of WebCrypto are `{$key}` as JWK. */
export type DumpedEntry = readonly [StoreKey, unknown]

const keyAlgorithm = { name: 'Ed25519' }

/** The content of a store as JSON. Its keys must be exportable. */
export async function dumpEntries(entries: Entries): Promise<readonly DumpedEntry[]> {
  const dumped = [...entries.values()].map(async ([key, value]) => [key, await dump(value)] as const)
  return (await Promise.all(dumped)).toSorted(([a], [b]) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
}

/** A store with the content of a dump. Its keys cannot be exported, as those of a device. */
export async function storeOf(dumped: readonly DumpedEntry[]): Promise<MemoryStore> {
  const entries: Entries = new Map()
  for (const [key, value] of dumped) entries.set(JSON.stringify(key), [key, await load(value)])
  return new MemoryStore({}, entries)
}

async function dump(value: unknown): Promise<unknown> {
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString('base64url') }
  if (isKey(value)) return { $key: await webcrypto.subtle.exportKey('jwk', value) }
  return eachPart(value, dump)
}

async function load(value: unknown): Promise<unknown> {
  if (typeof value !== 'object' || value === null) return value
  if ('$bytes' in value) return new Uint8Array(Buffer.from(String(value.$bytes), 'base64url'))
  if ('$key' in value) {
    const { ext: _, key_ops: __, ...jwk } = value.$key as webcrypto.JsonWebKey
    return webcrypto.subtle.importKey('jwk', jwk, keyAlgorithm, false, ['sign'])
  }
  return eachPart(value, load)
}

async function eachPart(value: unknown, change: (part: unknown) => Promise<unknown>): Promise<unknown> {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return Promise.all(value.map(change))
  const parts = Object.entries(value).map(async ([name, part]) => [name, await change(part)] as const)
  return Object.fromEntries(await Promise.all(parts))
}

function isKey(value: unknown): value is webcrypto.CryptoKey {
  return Object.prototype.toString.call(value) === '[object CryptoKey]'
}
