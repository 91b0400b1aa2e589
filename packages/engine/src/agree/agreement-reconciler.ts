import * as v from 'valibot'
import { compareStamps, parseKey, type Stamp } from '@entente/protocol'
import type { EngineContext } from '../context.js'
import type { Reconciler } from '../reconcilers.js'
import { isSameValue, type Value } from '../schema/value.js'
import { isMessage } from '../replica/feed-role.js'
import { registerOf, valueOf } from '../row/row.js'
import type { RowReader } from '../row/rows.js'
import { agreementFacts } from './agreement-row.js'
import { contentToValue } from './canonical.js'
import { type ConnectionFacts, enabledConnections, messageId } from '../connect/connection-facts.js'
import { agreedKey, effectiveEdits } from './apply-agreement.js'
import { closeProposals, findProposal, openProposal } from './open-proposals.js'
import { decideWithdrawal, growWithdrawal, withdrawalKey, withdrawalTerms } from './withdrawal.js'
import { effectiveAgreement, refuseProposal } from './narrow-proposal.js'
import { readDecision, Refusals } from '../connect/peer-decision.js'
import { acceptanceTerms, agreedTerms, type DecidedProposal, type ProposalTerms, proposalTerms } from './agreement-terms.js'

export const proposalKey = 'proposal'
export const acceptanceKey = 'acceptance'

/** Takes in the peer's proposal, acceptance and hash, and compares the hashes of both sides. */
export function agreementReconciler(context: EngineContext): Reconciler<ConnectionFacts> {
  const { rows, replica } = context
  // The proposal that an acceptance names may come later, from another device of this org.
  const refusals = new Refusals(context, ['Proposal'])

  /** Own messages with a proposal that is agreed, or was overtaken. */
  const passed = new Map<string, Value>()

  return {
    name: 'agreement',
    subjects: () => enabledConnections(rows),
    async react(connection) {
      if (connection.side === 'partner') await takeProposal(connection)
      else {
        await followProposal(connection)
        await takeAcceptance(connection)
      }
      await compareHashes(connection)
      await takeWithdrawal(connection)
    },
  }

  async function takeProposal(connection: ConnectionFacts): Promise<void> {
    const found = unread(connection, proposalKey, 'proposalDecision')
    const taken = registerOf(rows.get('Agreement', connection.id), 'proposalDecision')
    // A device to which a relay shows what is past takes nothing back that another device of the org has taken since (rule NB5).
    if (!found || (taken && compareStamps(found.stamp, taken[0]) <= 0)) return
    const decision = await readDecision(context, connection, 'proposal', found.body, proposalTerms, 'admin')
    if (!decision.ok) return found.refuse('A proposal', decision.reason)
    const { terms, by, at } = decision
    if (!isNext(rows, connection, terms)) return found.refuse('A proposal', 'its version is not a new one')
    const refusal = refuseProposal(terms)
    if (refusal) return found.refuse('A proposal', refusal.message)
    await saveProposal(connection, { ...terms, by, at }, found.body, found.stamp)
  }

  /**
   * Two devices of the vendor may have proposed the same version. What stands under the one key of proposals is what the partner reads, so the agreement follows
   * it.
   */
  async function followProposal(connection: ConnectionFacts): Promise<void> {
    const body = valueOf(rows.get('Message', messageId(connection.ownMessages, proposalKey)), 'body')
    if (typeof body !== 'string' || valueOf(rows.get('Agreement', connection.id), 'proposalDecision') === body) return
    if (passed.get(connection.id) === body) return
    const decision = await readDecision(context, { ...connection, peer: context.org.id }, 'proposal', body, proposalTerms, 'admin')
    if (!decision.ok) return
    const { terms, by, at } = decision
    if (isNext(rows, connection, terms) && !refuseProposal(terms)) await saveProposal(connection, { ...terms, by, at }, body)
    else passed.set(connection.id, body)
  }

  async function saveProposal(connection: ConnectionFacts, decided: DecidedProposal, body: Value, stamp?: Stamp): Promise<void> {
    const values = { proposal: contentToValue(decided), proposalDecision: body }
    const kept = connection.side === 'vendor' ? [openProposal(connection.id, decided, body)] : []
    await rows.save([{ object: 'Agreement', id: connection.id, values, ...(stamp && { stamp }) }, ...kept], {
      holds: (stored) => isNext(stored, connection, decided),
    })
  }

  /** Whether a proposal may take the place of the one known last: that one's version is not above, and none of its own version is agreed (rule AG1). */
  function isNext(from: RowReader, connection: ConnectionFacts, { version }: Pick<ProposalTerms, 'version'>): boolean {
    const { proposal, effective } = agreementFacts(from.get('Agreement', connection.id))
    return version >= (proposal?.version ?? 0) && version > (effective?.version ?? 0)
  }

  async function takeAcceptance(connection: ConnectionFacts): Promise<void> {
    const found = unread(connection, acceptanceKey, 'acceptanceDecision')
    if (!found) return
    const decision = await readDecision(context, connection, 'acceptance', found.body, acceptanceTerms, 'admin')
    if (!decision.ok) return found.refuse('An acceptance', decision.reason)
    const { terms, by, at } = decision
    const isAbove = (from: RowReader): boolean =>
      terms.version > (agreementFacts(from.get('Agreement', connection.id)).effective?.version ?? 0)
    // Another device or tab of this org has been faster.
    if (!unread(connection, acceptanceKey, 'acceptanceDecision')) return
    if (!isAbove(rows)) return found.refuse('An acceptance', 'its version, or a later one, was agreed already')
    // A later proposal may be open: the partner has not seen it, and is bound by what it accepted.
    const accepted = findProposal(rows, connection.id, terms.proposal)
    if (!accepted) return found.refuse('An acceptance', 'it is of a proposal that this org did not make')
    const { version, objects } = accepted.proposal
    const result = effectiveAgreement({ version, objects }, terms)
    if (!result.ok) return found.refuse('An acceptance', result.message)
    const acceptance = { ...terms, by, at }
    const values = { acceptance: contentToValue(acceptance), acceptanceDecision: found.body }
    const signed = { ...accepted, proposalJws: accepted.jws, acceptance, acceptanceJws: typeof found.body === 'string' ? found.body : '' }
    const edits = [
      { object: 'Agreement', id: connection.id, values },
      ...effectiveEdits(connection, result.agreement, signed, agreementFacts(rows.get('Agreement', connection.id)).withdrawn),
      ...closeProposals(rows, connection.id, version),
    ]
    await rows.save(
      edits.map((edit) => (isMessage(edit.object) ? edit : { ...edit, follows: found.stamp })),
      { holds: isAbove },
    )
  }

  /** What the peer has withdrawn. One of a version that is not in force yet waits for it. */
  async function takeWithdrawal(connection: ConnectionFacts): Promise<void> {
    const found = unread(connection, withdrawalKey, 'withdrawalDecision')
    if (!found) return
    const decision = await readDecision(context, connection, 'withdrawal', found.body, withdrawalTerms, 'admin')
    if (!decision.ok) return found.refuse('A withdrawal', decision.reason)
    const { terms, by, at } = decision
    const { signed, peerWithdrawn } = agreementFacts(rows.get('Agreement', connection.id))
    if (!signed || terms.version > signed.version) return
    const grown = growWithdrawal(peerWithdrawn, terms)
    const decided = decideWithdrawal(signed, peerWithdrawn, grown, by, at)
    const values = { peerWithdrawn: contentToValue(decided), withdrawalDecision: found.body }
    const holds = (stored: RowReader): boolean => {
      const now = agreementFacts(stored.get('Agreement', connection.id))
      return isSameValue(contentToValue(growWithdrawal(now.peerWithdrawn, terms)), contentToValue(grown))
    }
    await rows.save([{ object: 'Agreement', id: connection.id, values, follows: found.stamp }], {
      reads: [{ object: 'Agreement', id: connection.id }],
      holds,
    })
  }

  async function compareHashes(connection: ConnectionFacts): Promise<void> {
    const said = replica.inbox(connection.peerMessages).get(parseKey(agreedKey))
    const parsed = v.safeParse(agreedTerms, said?.body)
    if (!said || !parsed.success) return
    const follows = said.stamp
    const row = rows.get('Agreement', connection.id)
    const { effective, peerHash } = agreementFacts(row)
    // Another device of this org has heard of a later version (rule NB5).
    if (peerHash && parsed.output.version < peerHash.version) return
    const peer = contentToValue(parsed.output)
    const isDifferent = effective?.version === parsed.output.version && effective.hash !== parsed.output.hash
    const isNew = !peerHash || !isSameValue(contentToValue(peerHash), peer)
    if (!isNew && !isDifferent) return
    await rows.save([
      { object: 'Agreement', id: connection.id, values: { peerHash: peer }, follows },
      ...(isDifferent ? [{ object: 'Connection', id: connection.id, values: { state: 'Error', problem: differentHash }, follows }] : []),
    ])
    if (isDifferent) context.problem(differentHash, connection.id)
  }

  /** The peer's message under a key, where it is neither taken in nor refused yet. */
  function unread(connection: ConnectionFacts, key: string, register: string) {
    const found = replica.inbox(connection.peerMessages).get(parseKey(key))
    const body = found?.body ?? null
    const message = `${connection.id}/${key}`
    if (!found || body === null || refusals.has(message, body) || valueOf(rows.get('Agreement', connection.id), register) === body)
      return undefined
    return {
      body,
      stamp: found.stamp,
      refuse: (what: string, reason: string): void => refusals.note(connection, message, body, what, reason),
    }
  }
}

const differentHash =
  'Both orgs computed different agreements, so no record travels. Update the app of both to the same version and connect again.'
