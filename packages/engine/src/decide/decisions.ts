import { nextStamp, type OrgId, type Roster, type Stamp } from '@entente/protocol'
import type { Identity } from '../identity/identity.js'
import type { Rosters } from '../identity/rosters.js'
import type { Reconciler, Subject } from '../reconcilers.js'
import { registerOf, type Row } from '../row/row.js'
import { decides } from '../row/deciding.js'
import type { RowEdit, Rows } from '../row/rows.js'
import { isAdmin, Judge } from './judge.js'
import { prove, signerOf } from './proof.js'

interface Options {
  readonly rows: Rows
  readonly rosters: Rosters
  readonly identity: Pick<Identity, 'org' | 'user' | 'device' | 'signText'>
  /** Of this page load. */
  readonly session: number
}

/**
 * The rows that decide count by the signature of an admin's device (rules DR1 to DR3). An admin's device signs what stands in them without one: its admins
 * decided it, or it follows from what the peer signed. A member's device signs nothing, so what it writes into them stays with it.
 */
export class Decisions extends Judge {
  readonly #options: Options
  /** Rows with registers that nobody has signed, by name. Empty at a member's device. */
  readonly #unsigned = new Map<string, Pick<Row, 'object' | 'id'>>()
  #isAdmin: boolean
  /** Whether signers may have left the roster since all rows were looked at. */
  #isStale = true

  constructor(options: Options) {
    const { org } = options.identity
    super(org.id, options.rows, () => options.rosters.highest(org.id))
    this.#options = options
    this.#isAdmin = options.identity.user.role === 'admin'
    const { rows } = options
    for (const object of rows.objects()) for (const row of rows.list(object).values()) this.#look(row)
  }

  /** Hears of changed rows until the function that it returns is called. */
  watch(): () => void {
    const { rows } = this.#options
    return rows.watch((changes) => {
      for (const { object, id } of changes) {
        const row = rows.get(object, id)
        if (object === 'Roster') this.#isStale = true
        else if (row) this.#look(row)
      }
    })
  }

  override get hasUnsigned(): boolean {
    return this.#unsigned.size > 0
  }

  /**
   * Signs what nobody has signed, and once more what a device had signed that is no admin's any more.
   *
   * @param rows of the tab that leads
   */
  reconciler(rows: Rows): Reconciler {
    const { identity } = this.#options
    const { org } = identity
    const subjects = (): readonly Subject[] => (this.#isStale || this.hasUnsigned ? [org] : [])
    return {
      name: 'signatures of decisions',
      subjects,
      react: async () => {
        const roster = await this.roster()
        this.#isAdmin = isAdmin(identity.device, roster)
        const isAll = this.#isStale
        this.#isStale = false
        const due = isAll
          ? [...rows.objects()].flatMap((object) => [...rows.list(object).values()].filter((row) => decides(object, row.id)))
          : [...this.#unsigned.values()].flatMap(({ object, id }) => rows.get(object, id) ?? [])
        if (!this.#isAdmin) return this.#unsigned.clear()
        const edits = (await Promise.all(due.map((row) => this.#sign(row, roster)))).flat()
        await rows.save(edits)
        for (const { object, id } of due) this.#look(rows.get(object, id))
      },
    }
  }

  async #sign(row: Row, roster: Roster | undefined): Promise<readonly RowEdit[]> {
    const { identity, session } = this.#options
    const edits: RowEdit[] = []
    for (const field of Object.keys(row.registers)) {
      const register = registerOf(row, field)
      if (!register) continue
      const [stamp, value, proof] = register
      if (proof !== undefined && isAdmin(signerOf(proof), roster)) continue
      // What a removed device had signed is decided anew, so that the devices which have it take the new signature for it.
      const above: Stamp = proof === undefined ? stamp : nextStamp(stamp, stamp[0], session)
      const signed = await prove(identity.signText, identity.device, { ...place(row, identity.org.id), field, register: [above, value] })
      edits.push({ object: row.object, id: row.id, values: { [field]: value }, stamp: above, proof: signed })
    }
    return edits
  }

  #look(row: Row | undefined): void {
    if (!row || !this.#isAdmin || !decides(row.object, row.id)) return
    const name = `${row.object}\n${row.id}`
    const isSigned = Object.keys(row.registers).every((field) => registerOf(row, field)?.[2] !== undefined)
    if (isSigned) this.#unsigned.delete(name)
    else this.#unsigned.set(name, { object: row.object, id: row.id })
  }
}

const place = ({ object, id }: Row, org: OrgId) => ({ org, object, id })
