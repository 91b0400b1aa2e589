import type { OrgId } from '@entente/protocol'
import { isOver, textOf } from '../replica/feed-role.js'
import { type Row, valueOf } from '../row/row.js'
import type { RowReader, Rows } from '../row/rows.js'

// Two orgs have one connection at a time, whichever of them is the vendor (rule CN12).

/** The own connections with an org that are not over, but one. */
function presentWith(rows: Rows, peer: OrgId, except: string | undefined): readonly Row[] {
  return [...rows.list('Connection').values()].filter((row) => {
    const other = textOf(row, valueOf(row, 'side') === 'vendor' ? 'partner' : 'vendor')
    return row.id !== except && other === peer && !isOver(row)
  })
}

/** The connection that this org has with another one. */
export function connectionWith(rows: Rows, peer: OrgId, except?: string): Row | undefined {
  return presentWith(rows, peer, except)[0]
}

/** Which connection stays where a handshake leads to another one with the same org: the one that people have begun to use, else that of the lower id. So both sides keep the same one. */
export function settleSecond(rows: Rows, peer: OrgId, id: string): { readonly first: Row | undefined; readonly seconds: readonly Row[] } {
  const present = presentWith(rows, peer, id)
  const first = present.find((row) => isUsed(rows, row) || row.id < id)
  return { first, seconds: first ? [] : present }
}

function isUsed(rows: RowReader, row: Row): boolean {
  return valueOf(row, 'verified') === 'yes' || textOf(row, 'peerVerified') !== undefined || rows.get('Agreement', row.id) !== undefined
}
