import type { ConnectionId } from '@entente/protocol'
import * as v from 'valibot'
import { type Row, valueOf } from '../row/row.js'
import type { Value } from '../schema/value.js'
import type { RowEdit, RowReader, Rows } from '../row/rows.js'
import { decidedProposal, type DecidedProposal } from './agreement-terms.js'
import { canonicalHash, contentToValue } from './canonical.js'

// The vendor keeps each proposal until a version that is not below its own is agreed: the partner may have read any of them, and its acceptance names one by its hash
// (rule AG1). One row for each, because a row with many of them would be too large to travel.

const proposalObject = 'Proposal'

/** The hash by which an acceptance names a proposal: SHA-256 over the canonical form, base64url. */
export function proposalHash({ version, objects }: Pick<DecidedProposal, 'version' | 'objects'>): string {
  return canonicalHash({ version, objects })
}

/** The edit that keeps a proposal for its acceptance. @param jws as it was signed */
export function openProposal(connection: ConnectionId, decided: DecidedProposal, jws: Value): RowEdit {
  return { object: proposalObject, id: rowId(connection, proposalHash(decided)), values: { proposal: contentToValue(decided), jws } }
}

/** The proposal that has this hash, if the vendor made it and nothing of its version or a later one is agreed. */
export function findProposal(
  rows: RowReader,
  connection: ConnectionId,
  hash: string,
): { readonly proposal: DecidedProposal; readonly jws: string } | undefined {
  const row = rows.get(proposalObject, rowId(connection, hash))
  const [proposal, jws] = [proposalOf(row), valueOf(row, 'jws')]
  return proposal && { proposal, jws: typeof jws === 'string' ? jws : '' }
}

/** The edits that drop proposals up to a version: nobody can accept them any more. */
export function closeProposals(rows: Rows, connection: ConnectionId, version: number): readonly RowEdit[] {
  return [...rows.list(proposalObject).values()].flatMap((row): readonly RowEdit[] => {
    const open = row.id.startsWith(rowId(connection, '')) ? proposalOf(row) : undefined
    return open && open.version <= version ? [{ object: proposalObject, id: row.id, values: { proposal: null, jws: null } }] : []
  })
}

const rowId = (connection: ConnectionId, hash: string): string => `${connection}:${hash}`

function proposalOf(row: Row | undefined): DecidedProposal | undefined {
  const parsed = v.safeParse(decidedProposal, valueOf(row, 'proposal'))
  return parsed.success ? parsed.output : undefined
}
