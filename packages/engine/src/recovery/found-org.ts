import type { Roster } from '@entente/protocol'
import { objectNames } from '../agree/narrow-proposal.js'
import type { FoundOrg } from '../api/index.js'
import type { OpenedKit } from '../identity/recovery-kit.js'
import { deletedRegister } from '../records/records.js'
import { textOf } from '../replica/feed-role.js'
import { valueOf } from '../row/row.js'
import type { Rows } from '../row/rows.js'

/** What of an org was found: in its team's feeds, or in a backup. */
export function foundOrg(
  { org: id, name, made }: Pick<OpenedKit, 'org' | 'name' | 'made'>,
  { rows, rosters, signedAt }: { readonly rows: Rows; readonly rosters: readonly Roster[]; readonly signedAt: number | undefined },
): FoundOrg {
  const records = { Lead: 0, Opportunity: 0 }
  let newest = 0
  for (const object of objectNames)
    for (const row of rows.list(object).values()) {
      if (valueOf(row, deletedRegister) !== true) records[object]++
      for (const [[time]] of Object.values(row.registers)) newest = Math.max(newest, time)
    }
  const devices = [...(rosters.at(-1)?.devices.values() ?? [])]
  const people = new Map(
    devices.map(({ person, role }) => [person, { id: person, name: textOf(rows.get('User', person), 'name') ?? '', role }] as const),
  )
  return {
    org: { id, name },
    made,
    records,
    connections: [...rows.list('Connection').values()].filter((row) => textOf(row, 'state') === 'Enabled').length,
    people: [...people.values()],
    devices: devices.length,
    newestEdit: newest === 0 ? undefined : newest,
    signedAt,
  }
}
