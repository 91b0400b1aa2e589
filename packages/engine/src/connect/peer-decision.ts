import * as v from 'valibot'
import type { EngineContext } from '../context.js'
import { verifyDecision } from '../identity/decision.js'
import type { Value } from '../schema/value.js'
import type { ConnectionFacts } from './connection-facts.js'

/** The kinds of decision that agreements and exports consist of. */
export type DecisionType =
  | 'proposal'
  | 'acceptance'
  | 'verified'
  | 'pause'
  | 'withdrawal'
  | 'objects'
  | 'wish'
  | 'wish-answer'
  | 'adoption'
  | 'rotation'
  | 'request'
  | 'package'
  | 'result'
  | 'recall'
  | 'recalled'

export type PeerDecision<Terms> =
  | { readonly ok: true; readonly terms: Terms; readonly by: string; readonly at: number }
  | { readonly ok: false; readonly reason: string }

/**
 * Reads a decision of the peer: verifies device, role and connection, then the form of its terms. A decision that fails is refused as a whole, with
 * the reason, and changes nothing.
 */
export async function readDecision<Schema extends v.GenericSchema>(
  { rosters }: Pick<EngineContext, 'rosters'>,
  connection: ConnectionFacts,
  type: DecisionType,
  body: Value,
  terms: Schema,
  role?: 'admin',
): Promise<PeerDecision<v.InferOutput<Schema>>> {
  if (typeof body !== 'string') return { ok: false, reason: 'it is not signed' }
  const requirement = { org: connection.peer, connection: connection.id, ...(role && { role }) }
  const verified = await verifyDecision(body, type, rosters, requirement)
  if (!verified.ok) return { ok: false, reason: verified.reason }
  const { by, iat } = verified.decision
  // The first fault is enough: to describe those of thousands takes longer than all else.
  const parsed = v.safeParse(terms, verified.decision, { abortEarly: true })
  if (!parsed.success) return { ok: false, reason: 'it is not of the agreed form' }
  return { ok: true, terms: parsed.output, by, at: iat * 1000 }
}

/** Remembers refused messages, so that each is reported once and not read again. Forgets them when a connection, a roster or another deciding row changes. */
export class Refusals {
  readonly #context: EngineContext
  readonly #refused = new Map<string, Value>()

  /** @param objects further ones whose rows decide what is refused */
  constructor(context: EngineContext, objects: readonly string[] = []) {
    this.#context = context
    const deciding = new Set(['Connection', 'Roster', ...objects])
    context.rows.watch((changes) => {
      if (changes.some(({ object }) => deciding.has(object))) this.#refused.clear()
    })
  }

  /** @param message the connection and the key, as one text */
  has(message: string, body: Value): boolean {
    return this.#refused.has(message) && this.#refused.get(message) === body
  }

  /** Remembers one that counts for nothing at present, and tells nobody. */
  skip(message: string, body: Value): void {
    this.#refused.set(message, body)
  }

  /** @param what such as "A proposal" */
  note(connection: ConnectionFacts, message: string, body: Value, what: string, reason: string): undefined {
    this.skip(message, body)
    const { clock, link } = this.#context
    this.#context
      .noteRefusal(connection.id, `${what}: ${reason}`, clock.now() + link.clockOffset)
      .catch((error: unknown) => this.#context.problem(error instanceof Error ? error.message : 'A refusal could not be written down.'))
    this.#context.problem(`${what} of ${connection.peerName || 'the peer'} was refused: ${reason}.`, connection.id)
  }
}
