import * as v from 'valibot'
import { parseKey } from '@entente/protocol'
import type { EngineContext } from '../context.js'
import type { Reconciler } from '../reconcilers.js'
import { isSameValue } from '../schema/value.js'
import { valueOf } from '../row/row.js'
import { agreementFacts } from './agreement-row.js'
import { contentToValue } from './canonical.js'
import { type ConnectionFacts, enabledConnections } from '../connect/connection-facts.js'
import { agreedKey, effectiveEdits } from './apply-agreement.js'
import { effectiveAgreement, refuseProposal } from './narrow-proposal.js'
import { readDecision, Refusals } from '../connect/peer-decision.js'
import { acceptanceTerms, agreedTerms, proposalTerms } from './agreement-terms.js'

export const proposalKey = 'proposal'
export const acceptanceKey = 'acceptance'

/** Takes in the peer's proposal, acceptance and hash, and compares the hashes of both sides. */
export function agreementReconciler(context: EngineContext): Reconciler<ConnectionFacts> {
  const { rows, replica } = context
  const refusals = new Refusals(context)

  return {
    name: 'agreement',
    subjects: () => enabledConnections(rows),
    async react(connection) {
      if (connection.side === 'partner') await takeProposal(connection)
      else await takeAcceptance(connection)
      await compareHashes(connection)
    },
  }

  async function takeProposal(connection: ConnectionFacts): Promise<void> {
    const found = unread(connection, proposalKey, 'proposalDecision')
    if (!found) return
    const decision = await readDecision(context, connection, 'proposal', found.body, proposalTerms, 'admin')
    if (!decision.ok) return found.refuse('A proposal', decision.reason)
    const { terms, by, at } = decision
    const { proposal, effective } = agreementFacts(rows.get('Agreement', connection.id))
    if (terms.version <= Math.max(proposal?.version ?? 0, effective?.version ?? 0))
      return found.refuse('A proposal', 'its version is not a new one')
    const refusal = refuseProposal(terms)
    if (refusal) return found.refuse('A proposal', refusal.message)
    await rows.save([
      { object: 'Agreement', id: connection.id, values: { proposal: contentToValue({ ...terms, by, at }), proposalDecision: found.body } },
    ])
  }

  async function takeAcceptance(connection: ConnectionFacts): Promise<void> {
    const found = unread(connection, acceptanceKey, 'acceptanceDecision')
    if (!found) return
    const decision = await readDecision(context, connection, 'acceptance', found.body, acceptanceTerms, 'admin')
    if (!decision.ok) return found.refuse('An acceptance', decision.reason)
    const { terms, by, at } = decision
    const { proposal, effective } = agreementFacts(rows.get('Agreement', connection.id))
    // The present proposal is in the own feed, so a partner that answered an older one finds it there.
    if (!proposal || terms.version !== proposal.version) return found.refuse('An acceptance', 'it is of another version of the proposal')
    if (effective?.version === terms.version) return found.refuse('An acceptance', 'this version was agreed already')
    const { version, objects } = proposal
    const result = effectiveAgreement({ version, objects }, terms)
    if (!result.ok) return found.refuse('An acceptance', result.message)
    await rows.save([
      {
        object: 'Agreement',
        id: connection.id,
        values: { acceptance: contentToValue({ ...terms, by, at }), acceptanceDecision: found.body },
      },
      ...effectiveEdits(connection, result.agreement),
    ])
  }

  async function compareHashes(connection: ConnectionFacts): Promise<void> {
    const body = replica.inbox(connection.peerMessages).get(parseKey(agreedKey))?.body
    const parsed = v.safeParse(agreedTerms, body)
    if (!parsed.success) return
    const row = rows.get('Agreement', connection.id)
    const { effective, peerHash } = agreementFacts(row)
    // Another device of this org has heard of a later version (rule NB5).
    if (peerHash && parsed.output.version < peerHash.version) return
    const peer = contentToValue(parsed.output)
    const isDifferent = effective?.version === parsed.output.version && effective.hash !== parsed.output.hash
    const isNew = !peerHash || !isSameValue(contentToValue(peerHash), peer)
    if (!isNew && !isDifferent) return
    await rows.save([
      { object: 'Agreement', id: connection.id, values: { peerHash: peer } },
      ...(isDifferent ? [{ object: 'Connection', id: connection.id, values: { state: 'Error', problem: differentHash } }] : []),
    ])
    if (isDifferent) context.problem(differentHash, connection.id)
  }

  /** The peer's message under a key, where it is neither taken in nor refused yet. */
  function unread(connection: ConnectionFacts, key: string, register: string) {
    const body = replica.inbox(connection.peerMessages).get(parseKey(key))?.body ?? null
    const message = `${connection.id}/${key}`
    if (body === null || refusals.has(message, body) || valueOf(rows.get('Agreement', connection.id), register) === body) return undefined
    return { body, refuse: (what: string, reason: string): void => refusals.note(connection, message, body, what, reason) }
  }
}

const differentHash =
  'Both orgs computed different agreements, so no record travels. Update the app of both to the same version and connect again.'
