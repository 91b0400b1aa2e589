import { decodeUtf8, encodeUtf8 } from 'lib0/string'
import * as v from 'valibot'
import { ProtocolError } from './error.js'
import type { ObjectTopic } from './feed.js'
import { type DeviceId, type Key, parseDeviceId, parseKey } from './id.js'
import { limits } from './limits.js'

// Control entries are the entries that the relay itself reads. They live in the `messages` feeds like messages, so that ordering, catching up and the
// rebuilding of a relay that lost its disk carry them too.

/** The key of a side's policy in its connection's messages feed. */
export const policyKey: Key = parseKey('policy')

/** The key of a device's revocation in its org's messages feed; published by an admin's device. */
export function revocationKey(device: DeviceId): Key {
  return parseKey(`revoked.${device}`)
}

/** The device that a control entry's key revokes, or undefined where the key is another's. */
export function revokedDevice(key: Key): DeviceId | undefined {
  return key.startsWith('revoked.') ? parseDeviceId(key.slice('revoked.'.length)) : undefined
}

const slot = v.pipe(v.string(), v.regex(/^[0-9]$/))
const slots = v.pipe(v.array(slot), v.maxLength(limits.slotsPerTopic))

const policySchema = v.object({
  version: v.pipe(v.number(), v.integer(), v.minValue(0)),
  slots: v.object({ lead: slots, opportunity: slots }),
  ended: v.exactOptional(v.literal(true)),
})

/** The agreement version that one side has signed, the slots per object that it accepts, and whether it has ended the connection (rules PO1 to PO5). */
export type Policy = v.InferOutput<typeof policySchema>

export function encodePolicy(policy: Policy): Uint8Array {
  return encodeUtf8(JSON.stringify(policy))
}

/** @throws ProtocolError FIELD for an eleventh slot or a slot that is not "0" to "9", FRAME for what is no policy at all. */
export function decodePolicy(bytes: Uint8Array): Policy {
  let value: unknown
  try {
    value = JSON.parse(decodeUtf8(bytes))
  } catch {
    throw new ProtocolError('FRAME', 'A policy is not JSON.')
  }
  const result = v.safeParse(policySchema, value)
  if (result.success) return result.output
  const inSlots = result.issues.some((issue) => issue.path?.[0]?.key === 'slots')
  throw inSlots
    ? new ProtocolError('FIELD', `A policy names a slot outside "0" to "9" or more than ${limits.slotsPerTopic} for one object.`)
    : new ProtocolError('FRAME', 'A policy is not of the agreed form.')
}

/** What both sides allow together, or undefined as long as they have not registered the same version, and once either has ended the connection. */
export function joinPolicies(vendor: Policy | undefined, partner: Policy | undefined): Policy | undefined {
  if (!vendor || !partner || vendor.version !== partner.version || vendor.ended || partner.ended) return undefined
  const both = (topic: ObjectTopic): string[] => vendor.slots[topic].filter((name) => partner.slots[topic].includes(name))
  return { version: vendor.version, slots: { lead: both('lead'), opportunity: both('opportunity') } }
}
