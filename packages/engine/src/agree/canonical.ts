import { sha256 } from '@noble/hashes/sha2.js'
import { toBase64UrlEncoded } from 'lib0/buffer'
import { encodeUtf8 } from 'lib0/string'
import type { Value } from '../schema/value.js'

/** JSON with names in code unit order and without undefined properties: the same text for the same content on every device. */
export function canonicalJson(content: unknown): string {
  if (Array.isArray(content)) return `[${content.map(canonicalJson).join(',')}]`
  if (typeof content !== 'object' || content === null) return JSON.stringify(content ?? null)
  const parts: string[] = []
  for (const [name, part] of Object.entries(content).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (part !== undefined) parts.push(`${JSON.stringify(name)}:${canonicalJson(part)}`)
  }
  return `{${parts.join(',')}}`
}

/** SHA-256 of the canonical form, base64url. */
export function canonicalHash(content: unknown): string {
  return toBase64UrlEncoded(sha256(encodeUtf8(canonicalJson(content))))
}

/** Typed content as a plain value of a register: a copy, without undefined properties. */
export function contentToValue(content: object): Value {
  const value: Value = JSON.parse(canonicalJson(content))
  return value
}
