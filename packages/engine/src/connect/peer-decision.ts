import * as v from 'valibot'
import type { EngineContext } from '../context.js'
import { verifyDecision } from '../identity/decision.js'
import { valueOf } from '../row/row.js'
import type { Value } from '../schema/value.js'
import type { ConnectionFacts } from './connection-facts.js'

/** What this part of the engine signs. */
export type DecisionType = 'proposal' | 'acceptance' | 'request' | 'package' | 'result'

export type PeerDecision<Terms> =
  | { readonly ok: true; readonly terms: Terms; readonly by: string; readonly at: number }
  | { readonly ok: false; readonly reason: string }

/**
 * Reads what the peer signed: verifies device, role and connection, then the form of what was said. A decision that fails is refused as a whole, with
 * the reason, and changes nothing.
 */
export async function readDecision<Schema extends v.GenericSchema>(
  context: EngineContext,
  connection: ConnectionFacts,
  type: DecisionType,
  body: Value,
  terms: Schema,
  role?: 'admin',
): Promise<PeerDecision<v.InferOutput<Schema>>> {
  if (typeof body !== 'string') return { ok: false, reason: 'it is not signed' }
  const devices = valueOf(context.rows.get('Connection', connection.id), 'peerDevices')
  const certificates = (Array.isArray(devices) ? devices : []).filter((text) => typeof text === 'string')
  const verified = await verifyDecision(
    body,
    type,
    { org: connection.peer, certificates },
    { connection: connection.id, ...(role && { role }) },
  )
  if (!verified.ok) return { ok: false, reason: verified.reason }
  const { by, iat } = verified.decision
  const parsed = v.safeParse(terms, verified.decision)
  if (!parsed.success) return { ok: false, reason: 'it is not of the agreed form' }
  return { ok: true, terms: parsed.output, by, at: iat * 1000 }
}

/** Remembers what was refused, so that each is told once and not read again and again; until a connection changes, as by another certificate. */
export class Refusals {
  readonly #context: EngineContext
  readonly #refused = new Map<string, Value>()

  constructor(context: EngineContext) {
    this.#context = context
    context.rows.watch((changes) => {
      if (changes.some(({ object }) => object === 'Connection')) this.#refused.clear()
    })
  }

  has(place: string, body: Value): boolean {
    return this.#refused.has(place) && this.#refused.get(place) === body
  }

  /** @param what such as "A proposal" */
  note(connection: ConnectionFacts, place: string, body: Value, what: string, reason: string): void {
    this.#refused.set(place, body)
    this.#context.problem(`${what} of ${connection.peerName || 'the peer'} was refused: ${reason}.`, connection.id)
  }
}
