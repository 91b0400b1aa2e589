import type { DeviceId, OrgId, Roster } from '@entente/protocol'
import type { Admitted, DecidingRows, Refused } from '../replica/deciding-rows.js'
import { decides } from '../row/deciding.js'
import { type Register, registerOf, type Row, setRegister } from '../row/row.js'
import type { RowReader } from '../row/rows.js'
import { isProof, signerOf } from './proof.js'

/** Lets what decides count by the signature of a device that is an admin's on the highest roster (rules DR1 and DR2). It signs nothing itself. */
export class Judge implements DecidingRows {
  readonly #org: OrgId
  readonly #rows: RowReader
  readonly #history: () => Promise<readonly Roster[]>
  /** All devices that were an admin’s by a roster that was looked at; undefined before. */
  #admins: ReadonlySet<DeviceId> | undefined
  /** The rosters that these are of: rows are judged far more often than devices change. */
  #read: readonly Roster[] = []

  /** @param history the rosters of the org that are known, in their order */
  constructor(org: OrgId, rows: RowReader, history: () => Promise<readonly Roster[]>) {
    this.#org = org
    this.#rows = rows
    this.#history = history
  }

  get hasUnsigned(): boolean {
    return false
  }

  carries([, , proof]: Register): boolean {
    const signer = signerOf(proof)
    return signer !== undefined && this.#admins?.has(signer) !== false
  }

  /** @param leaveOut leaves out more of what counts of a row that decides */
  async admit(found: readonly Row[], leaveOut: (row: Row) => Row = (row) => row): Promise<Admitted> {
    const roster = await this.roster()
    const [admitted, refused]: [Row[], Refused[]] = [[], []]
    for (const row of found) {
      const { object, id } = row
      if (!decides(object, id)) {
        admitted.push(row)
        continue
      }
      const [registers, present]: [Record<string, Register>, Row | undefined] = [{}, this.#rows.get(object, id)]
      for (const field of Object.keys(row.registers)) {
        const register = registerOf(row, field)
        if (register && (isSame(register, registerOf(present, field)) || (await this.#counts(row, field, register, roster))))
          setRegister(registers, field, register)
        else refused.push({ object, id, field, isOutdated: register !== undefined && (await this.#didCount(row, field, register)) })
      }
      const left = leaveOut({ object, id, registers })
      if (Object.keys(left.registers).length > 0) admitted.push(left)
    }
    return { rows: admitted, refused }
  }

  /** The roster by which is judged from now on. */
  protected async roster(): Promise<Roster | undefined> {
    const history = await this.#history()
    if (history.length > 0 && history !== this.#read)
      this.#admins = new Set(
        history.flatMap(({ devices }) => [...devices].flatMap(([device, { role }]) => (role === 'admin' ? [device] : []))),
      )
    this.#read = history
    return history.at(-1)
  }

  /** Whether a register has the signature of a device that was an admin’s then. */
  async #didCount(row: Row, field: string, register: Register): Promise<boolean> {
    for (const earlier of await this.#history()) if (await this.#counts(row, field, register, earlier)) return true
    return false
  }

  /** Whether a register has the signature of an admin's device of this roster. */
  async #counts({ object, id }: Row, field: string, register: Register, roster: Roster | undefined): Promise<boolean> {
    const [, , proof] = register
    const signer = signerOf(proof)
    const device = signer && isAdmin(signer, roster) ? roster?.devices.get(signer) : undefined
    if (proof === undefined || !signer || !device) return false
    return isProof(proof, signer, device, { org: this.#org, object, id, field, register })
  }
}

export const isAdmin = (device: DeviceId | undefined, roster: Roster | undefined): boolean =>
  device !== undefined && roster?.devices.get(device)?.role === 'admin'

/** Whether the very register is here already. */
function isSame([stamp, , proof]: Register, present: Register | undefined): boolean {
  return present !== undefined && proof !== undefined && present[2] === proof && present[0].every((part, index) => part === stamp[index])
}
