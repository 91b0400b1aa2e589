import type { Orgs } from './orgs.js'

/** The address, after the #, that each side's window shows. */
export interface Places {
  readonly vendor: string
  readonly partner: string
}

/** What a step may use while it is done for the person. */
export interface Stage {
  readonly orgs: Orgs
  /** Shows these places on both sides. */
  readonly show: (places: Places) => void
  /** Describes the work while the page does a step for the person. */
  readonly say: (words: string) => void
}
