import type { Burden } from '../flow/burden.js'

/** What an address has open and may still open, as far as a session of it matters. */
export interface Address {
  /** Its sockets whose sessions have not opened. */
  silent: number
  /** What it has used without a session, and what its sessions had used when they ended. */
  readonly burden: Burden
  /** Counts against what it may open: a check that failed has cost as much as many sockets. */
  charge(sockets: number): void
}
