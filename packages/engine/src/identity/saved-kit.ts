import { valueOf } from '../row/row.js'
import type { Rows } from '../row/rows.js'

/** The row that says to all devices that the kit was saved, and what the org's next secrets are sealed to. */
export const kitRow = { object: 'Setting', id: 'recovery kit' } as const

/** When an admin of this org confirmed its kit, in milliseconds since 1970; undefined where none did. */
export function kitSavedAt(rows: Rows): number | undefined {
  const savedAt = valueOf(rows.get(kitRow.object, kitRow.id), 'savedAt')
  return typeof savedAt === 'number' ? savedAt : undefined
}

/** The key of the recovery kit that was saved, to which the org's next secrets are sealed: its public half, base64url. */
export function kitKey(rows: Rows): string | undefined {
  const key = valueOf(rows.get(kitRow.object, kitRow.id), 'key')
  return typeof key === 'string' ? key : undefined
}
