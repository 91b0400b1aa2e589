import { decodeRoster, type DeviceId, type OrgId, type Roster, type RosterDevice } from '@entente/protocol'
import { valueOf } from '../row/row.js'
import type { RowEdit, Rows } from '../row/rows.js'
import { readRoster } from './roster.js'

// The rosters of this org and of its peers are rows, one each. A row may come from any device of the org, so none is believed: each roster is verified by the one
// before it, down to one that its org's root key signed.

/** The row that holds a roster. */
export function rosterEdit({ org, number, token }: Pick<Roster, 'org' | 'number' | 'token'>): RowEdit {
  return { object: 'Roster', id: `${org}.${number}`, values: { token } }
}

interface Verified {
  /** How often rosters had changed when this was verified, and what the own org's first one was then. */
  readonly at: number
  readonly founding: string
  /** What the rows held then, by number. */
  readonly tokens: ReadonlyMap<number, string>
  readonly history: Promise<readonly Roster[]>
  readonly chain: Promise<readonly Roster[]>
}

/** The one source of what counts about a device: the highest roster of its org that is known here (rule RO3). */
export class Rosters {
  readonly #rows: Rows
  readonly #own: { readonly org: OrgId; readonly device: DeviceId }
  readonly #founding: () => string
  readonly #verified = new Map<OrgId, Verified>()
  readonly #latest = new Map<OrgId, readonly Roster[]>()
  #changes = 0

  /** @param founding the first roster of this device's own org */
  constructor(rows: Rows, own: { readonly org: OrgId; readonly device: DeviceId }, founding: () => string) {
    this.#rows = rows
    this.#own = own
    this.#founding = founding
    rows.watch((changes) => {
      if (changes.some(({ object }) => object === 'Roster')) this.#changes++
    })
  }

  /** The public keys, person and role of a device, by the highest roster of its org that is known here. Undefined for a device that is not on it. */
  async device(org: OrgId, device: DeviceId): Promise<RosterDevice | undefined> {
    return (await this.highest(org))?.devices.get(device)
  }

  /** The highest roster of an org that is known here. */
  async highest(org: OrgId): Promise<Roster | undefined> {
    return (await this.chain(org)).at(-1)
  }

  /** The rosters of an org as they were verified last, for what answers at once. Empty before the first time. */
  verified(org: OrgId): readonly Roster[] {
    return this.#latest.get(org) ?? []
  }

  /** The rosters of an org from the last one that its root key signed to the highest: what proves the highest to anyone. */
  chain(org: OrgId): Promise<readonly Roster[]> {
    return this.#verifiedOf(org).chain
  }

  /** These, and what is known of the ones before them, by which nobody is on the roster: what a device missed while it was away names them (rule RT2). */
  history(org: OrgId): Promise<readonly Roster[]> {
    return this.#verifiedOf(org).history
  }

  #verifiedOf(org: OrgId): Verified {
    const founding = this.#founding()
    const before = this.#verified.get(org)
    const known = before?.founding === founding ? before : undefined
    if (known?.at === this.#changes) return known
    const tokens = this.#tokensOf(org)
    const history = this.#verify(org, tokens, known)
    const chain = history.then((found) =>
      found.slice(
        Math.max(
          0,
          found.findLastIndex(({ signer }) => 'root' in signer),
        ),
      ),
    )
    const verified = { at: this.#changes, founding, tokens, history, chain }
    this.#verified.set(org, verified)
    // Of two that are verified at once the later one knows more.
    void chain.then((found) => {
      if (this.#verified.get(org) === verified) this.#latest.set(org, found)
    })
    return verified
  }

  async #verify(org: OrgId, tokens: Verified['tokens'], known: Verified | undefined): Promise<readonly Roster[]> {
    // A roster that lost its number to another's is replaced, and what follows it goes with it (rule RO5).
    const changed = Math.min(...[...tokens].flatMap(([number, token]) => (known?.tokens.get(number) === token ? [] : [number])))
    let history = ((await known?.history) ?? []).filter(({ number }) => number < changed)
    for (const [number, token] of [...tokens].sort(([a], [b]) => a - b)) {
      if (number <= (history.at(-1)?.number ?? 0)) continue
      const before = history.at(-1)
      // A peer has shown a path, and so has the own org to a device that joined (rule RO7). Since this device is on the roster it knows each of its org's.
      const isPath = org !== this.#own.org || before?.devices.has(this.#own.device) !== true
      const roster = await readRoster(token, org, before, isPath)
      if (roster) history = [...history, roster]
    }
    return history
  }

  /** What the rows hold of an org's rosters, by their numbers. */
  #tokensOf(org: OrgId): ReadonlyMap<number, string> {
    const found = new Map<number, string>()
    if (org === this.#own.org) found.set(decodeRoster(this.#founding()).number, this.#founding())
    for (const row of this.#rows.list('Roster').values()) {
      const token = valueOf(row, 'token')
      if (row.id.startsWith(`${org}.`) && typeof token === 'string') found.set(Number(row.id.slice(org.length + 1)), token)
    }
    return found
  }
}
