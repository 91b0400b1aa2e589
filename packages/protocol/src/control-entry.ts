import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { decodeUtf8, encodeUtf8 } from 'lib0/string'
import * as v from 'valibot'
import { epochBound } from './epoch.js'
import { ProtocolError } from './error.js'
import { isTopic, messagesTopic } from './feed.js'
import { type Key, parseKey } from './id.js'
import { limits } from './limits.js'

// The relay itself reads the public copies of control entries. They are entries of the `messages` feeds, so ordering, catching up and the restoration of a relay that
// lost its disk cover them too.

/** The reserved key of a side's policy in its messages feed of a connection (rule PO1). */
export const policyKey: Key = parseKey('policy')

/** A control entry in its parts: the public copy, which the relay reads, and the sealed message, which devices believe. */
export interface ControlEntry {
  readonly copy: Uint8Array
  readonly seal: Uint8Array
}

/** Encodes a control entry: the length of the public copy, the copy, and the seal (rule CE1). */
export function encodeControlEntry({ copy, seal }: ControlEntry): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint8Array(encoder, copy)
  encoding.writeUint8Array(encoder, seal)
  return encoding.toUint8Array(encoder)
}

/** Reads a control entry. Its parts are views of the bytes. @throws ProtocolError FRAME for bytes that hold no public copy */
export function decodeControlEntry(bytes: Uint8Array): ControlEntry {
  try {
    const decoder = decoding.createDecoder(bytes)
    const copy = decoding.readVarUint8Array(decoder)
    return { copy, seal: decoding.readTailAsUint8Array(decoder) }
  } catch {
    throw new ProtocolError('FRAME', 'A control entry holds no public copy.')
  }
}

const slot = v.pipe(v.string(), v.regex(/^[0-9]$/))
const topic = v.pipe(v.string(), v.check(isTopic), v.notValue(messagesTopic))
const slots = v.pipe(v.array(slot), v.maxLength(limits.slotsPerTopic))
/** A topic may be called `constructor`, so no lookup of valibot's or of JavaScript's must meet what every object inherits. */
const slotsByTopic = v.pipe(
  v.custom<object>((value) => typeof value === 'object' && value !== null && !Array.isArray(value)),
  v.transform((value) => Object.entries(value)),
  v.pipe(v.array(v.tuple([topic, slots])), v.maxLength(limits.topicsPerPolicy)),
  v.transform((topics): Readonly<Record<string, readonly string[]>> => Object.fromEntries(topics)),
)

const policySchema = v.object({
  version: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(epochBound - 1)),
  slots: slotsByTopic,
  withdrawn: v.exactOptional(slotsByTopic),
  ended: v.exactOptional(v.literal(true)),
})

/**
 * What one side of a connection allows (rules PO1 to PO5, PO9): the agreement version that it has signed, the slots that it accepts per topic, and those of
 * them that it has withdrawn since. `ended` states that it has ended the connection. Read the slots with `slotsOf`.
 */
export type Policy = v.InferOutput<typeof policySchema>

/** The slots that a policy accepts for a topic, without those that its org has withdrawn. None for a topic that it does not name. */
export function slotsOf({ slots: accepted, withdrawn }: Policy, topicName: string): readonly string[] {
  const gone = slotsIn(withdrawn, topicName)
  return slotsIn(accepted, topicName).filter((name) => !gone.includes(name))
}

/** Whether a policy takes back a withdrawal that one before it made under the same version (rule PO9). */
export function takesBack(before: Policy, policy: Policy): boolean {
  if (policy.version !== before.version) return false
  const isKept = (topicName: string): boolean =>
    slotsIn(before.withdrawn, topicName).every((name) => slotsIn(policy.withdrawn, topicName).includes(name))
  return !Object.keys(before.withdrawn ?? {}).every(isKept)
}

/**
 * The slots of a topic that either org has withdrawn from a version of the agreement (rule PO9). Docs of that version that began before may still have them.
 *
 * @param policies those of both sides, as far as they are registered
 */
export function withdrawnSlots(policies: readonly (Policy | undefined)[], version: number, topicName: string): ReadonlySet<string> {
  return new Set(policies.flatMap((policy) => (policy?.version === version ? slotsIn(policy.withdrawn, topicName) : [])))
}

function slotsIn(slotsOfTopics: Policy['withdrawn'], topicName: string): readonly string[] {
  return (slotsOfTopics && Object.hasOwn(slotsOfTopics, topicName) && slotsOfTopics[topicName]) || []
}

/** Encodes a policy as UTF-8 JSON. */
export function encodePolicy(policy: Policy): Uint8Array {
  return encodeUtf8(JSON.stringify(policy))
}

/**
 * Decodes and validates a policy (rule PO1).
 *
 * @throws ProtocolError FIELD for an eleventh slot or a seventeenth topic, for a slot outside "0" to "9", or a topic that holds no docs
 * @throws ProtocolError FRAME for bytes that are not a policy
 */
export function decodePolicy(bytes: Uint8Array): Policy {
  let value: unknown
  try {
    value = JSON.parse(decodeUtf8(bytes))
  } catch {
    throw new ProtocolError('FRAME', 'A policy is not JSON.')
  }
  const result = v.safeParse(policySchema, value)
  if (result.success) return result.output
  const inSlots = result.issues.some(({ path }) => path?.[0]?.key === 'slots' || path?.[0]?.key === 'withdrawn')
  throw inSlots
    ? new ProtocolError(
        'FIELD',
        `A policy names a slot outside "0" to "9", more than ${limits.slotsPerTopic} for one topic, or more than ${limits.topicsPerPolicy} topics.`,
      )
    : new ProtocolError('FRAME', 'A policy lacks a field, or holds a value of another type.')
}

/**
 * What both sides allow together: the slots that both accept and neither has withdrawn (rules PO2, PO9).
 *
 * @returns undefined until both have registered the same version, and once either has ended the connection
 */
export function joinPolicies(vendor: Policy | undefined, partner: Policy | undefined): Policy | undefined {
  if (!vendor || !partner || vendor.version !== partner.version || vendor.ended || partner.ended) return undefined
  const topics = Object.keys(vendor.slots).map((name) => [name, both(slotsOf(vendor, name), slotsOf(partner, name))] as const)
  return { version: vendor.version, slots: Object.fromEntries(topics) }
}

function both(vendor: readonly string[], partner: readonly string[]): readonly string[] {
  return vendor.filter((name) => partner.includes(name))
}
