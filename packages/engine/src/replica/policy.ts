import { decodePolicy, encodePolicy, type Policy } from '@entente/protocol'
import { decodeUtf8, encodeUtf8 } from 'lib0/string'
import type { Value } from '../schema/value.js'

/** The policy that a control entry holds as text; undefined for none. The relay takes no other, so an unreadable one is none. */
export function readPolicy(body: Value | undefined): Policy | undefined {
  if (typeof body !== 'string') return undefined
  try {
    return decodePolicy(encodeUtf8(body))
  } catch {
    return undefined
  }
}

export function policyText(policy: Policy): string {
  return decodeUtf8(encodePolicy(policy))
}
