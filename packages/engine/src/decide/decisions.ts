import { compareStamps, nextStamp, type OrgId, type Roster, type Stamp } from '@entente/protocol'
import type { Identity } from '../identity/identity.js'
import type { Rosters } from '../identity/rosters.js'
import type { Reconciler, Subject } from '../reconcilers.js'
import type { Admitted } from '../replica/deciding-rows.js'
import { type Register, registerOf, type Row, setRegister } from '../row/row.js'
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

/** A register above which an admin's device says anew what it has in that place. */
interface Due extends Pick<Row, 'object' | 'id'> {
  readonly field: string
  readonly stamp: Stamp
  /** Whether this device has taken it, and another admin's device has given it up. */
  readonly isTaken: boolean
}

/**
 * The rows that decide count by the signature of an admin's device (rules DR1 to DR4). An admin's device signs what stands in them without one: its admins
 * decided it, or it follows from what the peer signed. A member's device signs nothing, so what it writes into them stays with it.
 */
export class Decisions extends Judge {
  readonly #options: Options
  /** Rows with registers that nobody has signed, by name. Empty at a member's device. */
  readonly #unsigned = new Map<string, Pick<Row, 'object' | 'id'>>()
  /** What was signed by devices that are no admins' any more, and taken by some before they heard of that, by place. Empty at a member's device. */
  readonly #due = new Map<string, Due>()
  /** Where this device has said once more what another had given up. Once is enough: a peer may choose the session of a stamp, too. */
  readonly #saidAgain = new Set<string>()
  #becameDue = (): void => undefined
  #isAdmin: boolean
  /** Whether signers may have left the roster since all rows were looked at. */
  #isStale = true

  constructor(options: Options) {
    const { org } = options.identity
    super(org.id, options.rows, () => options.rosters.history(org.id))
    this.#options = options
    this.#isAdmin = options.identity.user.role === 'admin'
    const { rows } = options
    for (const object of rows.objects()) for (const row of rows.list(object).values()) this.#look(row)
  }

  /**
   * Hears of changed rows until the function that it returns is called.
   *
   * @param becameDue is called where this device has to say something anew
   */
  watch(becameDue: () => void): () => void {
    this.#becameDue = becameDue
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

  override async admit(found: readonly Row[]): Promise<Admitted> {
    if (!this.#isAdmin) return super.admit(found)
    const givenUp: Due[] = []
    const { rows, refused } = await super.admit(found, (row) => this.#withoutGivenUp(row, givenUp))
    for (const { object, id, field, isOutdated } of refused) {
      const stamp =
        isOutdated &&
        registerOf(
          found.find((row) => row.object === object && row.id === id),
          field,
        )?.[0]
      if (stamp) this.#noteDue({ object, id, field, stamp, isTaken: false })
    }
    for (const each of givenUp) {
      this.#saidAgain.add(nameOf(each))
      this.#noteDue(each)
    }
    return { rows, refused: [...refused, ...givenUp] }
  }

  /**
   * Signs what nobody has signed, and once more what a device had signed that is no admin's any more. What this device did not take of such a one it decides anew.
   *
   * @param rows of the tab that leads
   */
  reconciler(rows: Rows): Reconciler {
    const { identity } = this.#options
    const { org } = identity
    const subjects = (): readonly Subject[] => (this.#isStale || this.hasUnsigned || this.#due.size > 0 ? [org] : [])
    return {
      name: 'signatures of decisions',
      subjects,
      react: async () => {
        const roster = await this.roster()
        this.#isAdmin = isAdmin(identity.device, roster)
        const isAll = this.#isStale
        this.#isStale = false
        const looked = isAll
          ? [...rows.objects()].flatMap((object) => [...rows.list(object).values()].filter((row) => decides(object, row.id)))
          : [...this.#unsigned.values()].flatMap(({ object, id }) => rows.get(object, id) ?? [])
        if (!this.#isAdmin) {
          this.#unsigned.clear()
          return this.#due.clear()
        }
        try {
          const edits = (await Promise.all(looked.map((row) => this.#sign(row, roster)))).flat()
          await rows.save(edits)
        } catch (error) {
          this.#isStale ||= isAll
          throw error
        }
        const due = [...this.#due]
        const anew = await Promise.all(due.map(([, each]) => this.#decideAnew(each, rows)))
        await rows.save(anew.flat())
        for (const [name, each] of due) if (this.#due.get(name) === each) this.#due.delete(name)
        for (const { object, id } of looked) this.#look(rows.get(object, id))
      },
    }
  }

  #noteDue(due: Due): void {
    this.#due.set(nameOf(due), due)
    this.#becameDue()
  }

  /** A row without what another admin's device says above registers that this one has taken, as it had not: this one says them again. */
  #withoutGivenUp(row: Row, givenUp: Due[]): Row {
    const { object, id } = row
    const present = this.#options.rows.get(object, id)
    const registers: Record<string, Register> = {}
    const before = givenUp.length
    for (const field of Object.keys(row.registers)) {
      const [register, known] = [registerOf(row, field), registerOf(present, field)]
      if (register && known && isDecidedAnew(register, known) && !this.#saidAgain.has(nameOf({ object, id, field })))
        givenUp.push({ object, id, field, stamp: known[0], isTaken: true })
      else if (register) setRegister(registers, field, register)
    }
    return givenUp.length === before ? row : { object, id, registers }
  }

  /** Says above a register that does not count any more what stands here in its place, or that nothing does (rule DR4). */
  async #decideAnew({ object, id, field, stamp, isTaken }: Due, rows: Rows): Promise<readonly RowEdit[]> {
    const present = registerOf(rows.get(object, id), field)
    if (present && compareStamps(present[0], stamp) > 0) return []
    const { identity, session } = this.#options
    const value = present?.[1] ?? null
    const above = nextStamp(stamp, stamp[0], isTaken ? session : value === null ? noneSession : someSession)
    const proof = await prove(identity.signText, identity.device, { org: identity.org.id, object, id, field, register: [above, value] })
    return [{ object, id, values: { [field]: value }, stamp: above, proof }]
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

/**
 * The sessions of what is decided anew: 1 for nothing and 2 for a value, below nearly all that devices draw. So it gives way to an admin's device that had taken what is given up, and says that again
 * under the same time and counter (rule DR4).
 */
const [noneSession, someSession] = [1, 2]

const isDecidedAnew = ([stamp]: Register, [known]: Register): boolean =>
  (stamp[2] === noneSession || stamp[2] === someSession) && compareStamps(stamp, nextStamp(known, known[0], stamp[2])) === 0

const nameOf = ({ object, id, field }: Pick<Due, 'object' | 'id' | 'field'>): string => [object, id, field].join('\n')

const place = ({ object, id }: Row, org: OrgId) => ({ org, object, id })
