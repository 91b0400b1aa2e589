import { prove } from '../decide/proof.js'
import type { Register } from '../row/row.js'
import type { MemoryOrg } from './org.js'

/** A member's device with a modified engine: it decides what only an admin may, without a signature and with one of its own, and sends and believes that. */
export async function forgeDecisions({ replica, rows, identity, context }: MemoryOrg): Promise<void> {
  replica.judgeBy({ hasUnsigned: false, carries: () => true, admit: (found) => Promise.resolve({ rows: found, refused: [] }) })
  const [connection] = rows.list('Connection').keys()
  const org = identity.org.id
  const stamp = [context.clock.now() + 60_000, 0, 9] as const
  for (const [object, id, field, value] of [
    ['Setting', 'org', 'currency', 'JPY'],
    ['Setting', 'recovery kit', 'key', 'A'.repeat(43)],
    ['Connection', connection ?? '', 'verified', 'mismatch'],
    ['Grant', 'forged', 'granted', true],
  ] as const) {
    const register: Register = [stamp, value]
    const proof = await prove(identity.signText, identity.device, { org, object, id, field, register })
    await rows.save([{ object, id, values: { [field]: value }, stamp, ...(field !== 'currency' && { proof }) }])
  }
}
