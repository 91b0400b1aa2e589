import * as v from 'valibot'
import type { Acceptance, AgreementsApi, EffectiveAgreement, ObjectName, Proposal } from '../api/index.js'
import { EngineError } from '../error.js'
import { asLeader, type EngineContext } from '../context.js'
import type { Field } from '../schema/field.js'
import { isSameValue, type Value } from '../schema/value.js'
import { findField } from '../schema/schema.js'
import type { RecordValues } from '../schema/validate.js'
import type { Reconciler } from '../reconcilers.js'
import { textOf } from '../replica/feed-role.js'
import { ownWithdrawal } from '../replica/desired-state.js'
import type { RowReader } from '../row/rows.js'
import { acceptanceKey, agreementReconciler, proposalKey } from './agreement-reconciler.js'
import { agreementFacts, agreementView, versionView } from './agreement-row.js'
import { contentToValue } from './canonical.js'
import { connectionFacts, type ConnectionFacts, messageEdit, requireConnection, whileConnected } from '../connect/connection-facts.js'
import { effectiveEdits, versionObject, versionRowId, withdrawalPolicy } from './apply-agreement.js'
import { decideWithdrawal, growWithdrawal, withdrawalKey } from './withdrawal.js'
import { openProposal, proposalHash } from './open-proposals.js'
import { effectiveAgreement, objectNames, refuseProposal } from './narrow-proposal.js'
import { createSwitch, peerObjectsReconciler } from './objects.js'
import { createWishes, wishReconciler } from './wishes.js'
import { ownWordsReconciler } from './own-words.js'
import { agreedAgain, preflightLines, suggestFields } from './mapping-lines.js'
import { type AcceptanceTerms, acceptanceTerms, type DecidedProposal, type ProposalTerms, proposalTerms } from './agreement-terms.js'

/** How many of the vendor's records a preflight tries: enough to meet the rare picklist value, few enough to answer at once. */
const sampleRecords = 500

/** The vendor's records that the partner sees already. A preflight tries a mapping on them. */
export type ListedRecords = (connection: ConnectionFacts, object: ObjectName) => Iterable<{ readonly values: RecordValues }>

/** Proposals, acceptances and the agreement that follows from both. */
export function createAgreements(
  context: EngineContext,
  listedRecords: ListedRecords,
): { readonly api: Omit<AgreementsApi, 'reached' | 'gaps' | 'fillIn'>; readonly reconcilers: readonly Reconciler[] } {
  const { rows, identity, clock } = context

  const api: Omit<AgreementsApi, 'reached' | 'gaps' | 'fillIn'> = {
    get(id) {
      const connection = connectionFacts(rows.get('Connection', id))
      if (!connection) return undefined
      return { ...agreementView(connection, rows.get('Connection', id), rows.get('Agreement', id)), offer: lastOffer(id) }
    },

    async propose(id, proposal) {
      const connection = decide(id, 'vendor')
      const version = nextVersion(rows, id)
      const terms = proposalToTerms(proposal, version)
      const jws = await identity.signDecision('proposal', { connection: id, ...terms })
      const decided = { ...terms, by: context.user.id, at: clock.now() }
      const edits = [
        { object: 'Agreement', id, values: { proposal: contentToValue(decided), proposalDecision: jws } },
        openProposal(id, decided, jws),
        messageEdit(connection.ownMessages, proposalKey, jws),
      ]
      const holds = (stored: RowReader): boolean => {
        if (nextVersion(stored, id) === version) return true
        throw anotherProposal()
      }
      await rows.save(edits, whileConnected(connection, { holds }))
    },

    async accept(id, acceptance) {
      const connection = decide(id, 'partner')
      const proposal = acceptable(rows, id)
      if (acceptance.version !== undefined && acceptance.version !== proposal.version) throw anotherProposal()
      checkPreflight(connection, acceptance)
      const read = textOf(rows.get('Agreement', id), 'proposalDecision') ?? ''
      const { version, objects } = proposal
      const terms = acceptanceToTerms(acceptance, version, proposalHash(proposal))
      const result = effectiveAgreement({ version, objects }, terms)
      if (!result.ok) throw new EngineError(result.code, result.message)
      const jws = await identity.signDecision('acceptance', { connection: id, ...terms })
      const decided = { ...terms, by: context.user.id, at: clock.now() }
      const edits = [
        { object: 'Agreement', id, values: { acceptance: contentToValue(decided), acceptanceDecision: jws } },
        messageEdit(connection.ownMessages, acceptanceKey, jws),
        ...effectiveEdits(
          connection,
          result.agreement,
          { proposal, proposalJws: read, acceptance: decided, acceptanceJws: jws },
          undefined,
        ),
      ]
      const holds = (stored: RowReader): boolean => {
        if (proposalHash(acceptable(stored, id)) === terms.proposal) return true
        throw anotherProposal()
      }
      await rows.save(edits, whileConnected(connection, { holds }))
    },

    async withdraw(id, object, names) {
      const connection = decide(id, connectionFacts(rows.get('Connection', id))?.side)
      const { signed, effective, withdrawn, proposal } = agreementFacts(rows.get('Agreement', id))
      const flowing = (effective?.objects[object]?.fields ?? []).filter(({ slot }) => slot !== undefined)
      const chosen = names.map((name) => {
        const field = flowing.find((candidate) => candidate[connection.side].name === name)
        if (field) return field
        throw new EngineError('INVALID', 'A chosen field does not keep flowing. Look at the agreement again.')
      })
      if (!signed || chosen.length === 0) throw new EngineError('INVALID', 'Choose at least one field that keeps flowing.')
      const { version } = signed
      // The partner may accept what the vendor proposed before, without having heard of this.
      const waiting = connection.side === 'vendor' && proposal && proposal.version > version ? proposal.version : undefined
      const terms = growWithdrawal(withdrawn, {
        version,
        slots: { [object]: [...new Set(chosen.flatMap(({ slot }) => slot ?? []))].sort() },
        ...(waiting !== undefined && { later: { [object]: Object.fromEntries(chosen.map(({ vendor }) => [vendor.name, waiting])) } }),
      })
      const jws = await identity.signDecision('withdrawal', { connection: id, ...terms })
      const decided = decideWithdrawal(signed, withdrawn, terms, context.user.id, clock.now())
      const edits = [
        { object: 'Agreement', id, values: { [ownWithdrawal(identity.device)]: contentToValue(decided) } },
        messageEdit(connection.ownMessages, withdrawalKey, jws),
        withdrawalPolicy(connection, signed, terms),
      ]
      const holds = (stored: RowReader): boolean => {
        const now = agreementFacts(stored.get('Agreement', id))
        const isSame = now.signed?.hash === signed.hash && now.proposal?.version === proposal?.version
        if (isSame && isSameValue(toValue(now.withdrawn), toValue(withdrawn))) return true
        throw new EngineError('CHANGED', 'The agreement has changed meanwhile. Look at it, then decide again.')
      }
      await rows.save(edits, whileConnected(connection, { reads: [{ object: 'Agreement', id }], holds }))
    },

    switchObject: createSwitch(context),
    ...createWishes(context),

    history(id) {
      const start = versionRowId(id, 0).slice(0, -1)
      return [...rows.list(versionObject).values()]
        .flatMap((row) => (row.id.startsWith(start) ? (versionView(row) ?? []) : []))
        .sort((a, b) => b.agreement.version - a.agreement.version)
    },

    suggest(id, object, chosen) {
      const last = lastAgreed(id)
      const proposed = proposedFields(id, object)
      return last
        ? agreedAgain(proposed, context.schema(object), last.objects[object]?.fields ?? [], chosen)
        : suggestFields(proposed, context.schema(object), chosen)
    },

    preflight(id, object, mappings) {
      const connection = requireConnection(rows, id)
      return linesFor(connection, object, { fields: mappings })
    },
  }
  const leader = asLeader(context)
  return {
    api,
    reconcilers: [agreementReconciler(leader), ownWordsReconciler(leader), peerObjectsReconciler(leader), wishReconciler(leader)],
  }

  function decide(id: ConnectionFacts['id'], side?: ConnectionFacts['side']): ConnectionFacts {
    const connection = requireConnection(rows, id, side)
    if (context.user.role !== 'admin')
      throw new EngineError('NOT_ALLOWED', 'Only an admin may change an agreement. Ask one of your admins.')
    return connection
  }

  /** The version of the next proposal: above each that there was. */
  function nextVersion(from: RowReader, id: ConnectionFacts['id']): number {
    const { proposal, effective } = agreementFacts(from.get('Agreement', id))
    return Math.max(proposal?.version ?? 0, effective?.version ?? 0) + 1
  }

  /** The latest proposal. @throws EngineError NOT_FOUND where there is none, INVALID where it is agreed */
  function acceptable(from: RowReader, id: ConnectionFacts['id']): DecidedProposal {
    const { proposal, effective } = agreementFacts(from.get('Agreement', id))
    if (!proposal) throw new EngineError('NOT_FOUND', 'The vendor has not proposed anything yet. Wait for its proposal.')
    if (effective && effective.version >= proposal.version)
      throw new EngineError('INVALID', 'This proposal was accepted already. To change the agreement, ask the vendor for a new proposal.')
    return proposal
  }

  function proposedFields(id: ConnectionFacts['id'], object: ObjectName) {
    return agreementFacts(rows.get('Agreement', id)).proposal?.objects[object]?.fields ?? []
  }

  /** What is in force, or else was over an earlier connection with the same org, so that a reconnection takes nothing that was declined. */
  function lastAgreed(id: ConnectionFacts['id']): EffectiveAgreement | undefined {
    const { effective } = agreementFacts(rows.get('Agreement', id))
    if (effective) return effective
    return factsWithPeer(id)
      .filter((each) => each.effective)
      .sort((one, other) => (other.acceptance?.at ?? 0) - (one.acceptance?.at ?? 0))[0]?.effective
  }

  /** What the vendor offered last, without what was withdrawn since: nobody offers that again by a click. */
  function lastOffer(id: ConnectionFacts['id']): Proposal {
    const own = agreementFacts(rows.get('Agreement', id))
    const last = own.proposal ? own : factsWithPeer(id).sort((one, other) => (other.proposal?.at ?? 0) - (one.proposal?.at ?? 0))[0]
    const { proposal, signed, effective } = last ?? own
    const isGone = (object: ObjectName, name: string): boolean =>
      signed?.version === proposal?.version &&
      [signed, effective].filter((terms) => terms?.objects[object]?.fields.some(({ vendor }) => vendor.name === name)).length === 1
    const objects: Partial<Record<ObjectName, NonNullable<Proposal['objects'][ObjectName]>>> = {}
    for (const object of objectNames) {
      const offered = proposal?.objects[object]
      if (offered) objects[object] = { ...offered, fields: offered.fields.filter(({ field }) => !isGone(object, field.name)) }
    }
    return { objects }
  }

  /** What is agreed over each connection with the same org in the same roles. */
  function factsWithPeer(id: ConnectionFacts['id']): ReturnType<typeof agreementFacts>[] {
    const own = connectionFacts(rows.get('Connection', id))
    return [...rows.list('Connection').values()].flatMap((row) => {
      const other = connectionFacts(row)
      return other?.peer === own?.peer && other?.side === own?.side ? agreementFacts(rows.get('Agreement', row.id)) : []
    })
  }

  function linesFor(connection: ConnectionFacts, object: ObjectName, accepted: Parameters<typeof preflightLines>[2]) {
    const samples: RecordValues[] = []
    for (const { values } of listedRecords(connection, object)) {
      if (samples.push(values) >= sampleRecords) break
    }
    return preflightLines(proposedFields(connection.id, object), context.schema(object), accepted, samples)
  }

  /** @throws EngineError INVALID where a line is blocked: an own required field without a source, or a pair that cannot be */
  function checkPreflight(connection: ConnectionFacts, { objects }: Acceptance): void {
    for (const object of objectNames) {
      const accepted = objects[object]
      // An object of which nothing is taken is declined, so none of its own required fields needs a source.
      const blocked =
        accepted && accepted.fields.length > 0 && linesFor(connection, object, accepted).find(({ verdict }) => verdict === 'blocked')
      if (!blocked) continue
      const { target = '', reason } = blocked
      throw new EngineError('INVALID', `The mapping of ${object} cannot be accepted. ${reason}`, [
        {
          code: 'MAPPING',
          field: target,
          rule: 'preflight',
          message: reason,
          fix: 'Correct the line, map another field, or give a default.',
        },
      ])
    }
  }

  /** Takes each field as the own schema describes it, so that nobody proposes a field that the org does not have. */
  function proposalToTerms({ objects }: Proposal, version: number): ProposalTerms {
    const described: Record<string, unknown> = {}
    for (const object of objectNames) {
      const part = objects[object]
      if (!part) continue
      const schema = context.schema(object)
      const fields = part.fields.map(({ field, update }) => ({ field: offered(requireField(schema, field.name)), update }))
      described[object] = { ...part, fields }
    }
    const terms = parse(proposalTerms, { version, objects: described }, 'The proposal')
    if (objectNames.every((object) => (terms.objects[object]?.fields.length ?? 0) === 0))
      throw new EngineError('INVALID', 'The proposal names no field. Choose at least one, or disconnect to end the sharing.')
    const refusal = refuseProposal(terms)
    if (refusal) throw new EngineError(refusal.code, refusal.message)
    return terms
  }

  function acceptanceToTerms({ objects }: Acceptance, version: number, proposal: string): AcceptanceTerms {
    const described: Record<string, unknown> = {}
    for (const object of objectNames) {
      const part = objects[object]
      if (!part || part.fields.length === 0) continue
      const schema = context.schema(object)
      described[object] = { ...part, targets: part.fields.map(({ target }) => offered(requireField(schema, target))) }
    }
    return parse(acceptanceTerms, { version, proposal, objects: described }, 'The acceptance')
  }
}

const toValue = (content: object | undefined): Value => (content === undefined ? null : contentToValue(content))

const anotherProposal = () => new EngineError('CHANGED', 'There is another proposal meanwhile. Look at it, then decide again.')

function requireField(schema: Parameters<typeof findField>[0], name: string): Field {
  const field = findField(schema, name)
  if (field) return field
  throw new EngineError('INVALID', `${schema.label} has no field ${name}. Leave it out, or add it first.`)
}

/** A field as the other org sees it: without retired picklist values. */
function offered(field: Field): Field {
  return field.picklist ? { ...field, picklist: field.picklist.filter(({ active }) => active !== false) } : field
}

function parse<Schema extends v.GenericSchema>(schema: Schema, input: unknown, what: string): v.InferOutput<Schema> {
  const result = v.safeParse(schema, input)
  if (result.success) return result.output
  const [issue] = result.issues
  // The issue's own message repeats what was received, which may be a value.
  const at = v.getDotPath(issue) ?? 'its top level'
  const reason = issue.expected === null ? issue.message : `${issue.expected} is needed.`
  throw new EngineError('INVALID', `${what} is not well formed at ${at}: ${reason} Correct it and try again.`)
}
