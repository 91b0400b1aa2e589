import type { Orgs } from './orgs.js'
import { importedOf } from './reading.js'
import type { Memory } from './steps.js'

const key = 'entente.rehearsal.memory'

/** Records the events of the last two steps, by hand or by button, and keeps them over a reload. */
export class Noticer {
  #memory: Memory = read()
  #editedOffline = false

  get memory(): Memory {
    return this.#memory
  }

  look(orgs: Orgs): void {
    const lines = [orgs.vendor.sync.status(), orgs.partner.sync.status()]
    const [ours, theirs] = lines
    if (lines.some((line) => line.cut && line.waiting > 0)) this.#editedOffline = true
    const isQuiet = lines.every((line) => !line.cut && line.state === 'online' && line.waiting === 0)
    if (!this.#memory.edited && ours && theirs && this.#bothEdited(orgs)) this.#note({ edited: true })
    if (!this.#memory.caughtUp && this.#editedOffline && isQuiet && this.#bothEdited(orgs)) this.#note({ caughtUp: true })
  }

  /** The vendor has a mirror from the partner's first edit on; the partner's is younger than its copy from the vendor's first edit on. */
  #bothEdited({ vendor, partner }: Orgs): boolean {
    const id = vendor.connections.list().find((connection) => connection.state === 'Enabled')?.id
    if (id === undefined || vendor.mirrors.count(id) === 0) return false
    return importedOf(partner).some((copy) => {
      const exportedAt = partner.records.shares('Opportunity', copy.id)[0]?.exportedAt ?? Number.POSITIVE_INFINITY
      return partner.mirrors.of('Opportunity', copy.id).some((mirror) => (mirror.changedAt ?? 0) > exportedAt)
    })
  }

  #note(part: Partial<Memory>): void {
    this.#memory = { ...this.#memory, ...part }
    localStorage.setItem(key, JSON.stringify(this.#memory))
  }
}

function read(): Memory {
  try {
    const known: unknown = JSON.parse(localStorage.getItem(key) ?? '{}')
    const has = (name: keyof Memory): boolean =>
      typeof known === 'object' && known !== null && name in known && (known as Partial<Memory>)[name] === true
    return { edited: has('edited'), caughtUp: has('caughtUp') }
  } catch {
    return { edited: false, caughtUp: false }
  }
}
