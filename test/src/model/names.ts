import type { Stamp } from '@entente/protocol'

/** The two orgs: the vendor and the partner. */
export type Org = 'V' | 'P'
export const orgs: readonly Org[] = ['V', 'P']

/** `V/team`: an org's docs of all fields. `V>P`: its docs for its peer. `V/msg`: its messages, control entries and rosters, which both orgs read. */
export type Feed = `${Org}/team` | 'V>P' | 'P>V' | `${Org}/msg`
export const feeds: readonly Feed[] = ['V/msg', 'P/msg', 'V/team', 'P/team', 'V>P', 'P>V']

export function ownerOf(feed: Feed): Org {
  return feed[0] === 'V' ? 'V' : 'P'
}

export function peerOf(org: Org): Org {
  return org === 'V' ? 'P' : 'V'
}

export function teamOf(org: Org): Feed {
  return `${org}/team`
}

export function outOf(org: Org): Feed {
  return org === 'V' ? 'V>P' : 'P>V'
}

export function messagesOf(org: Org): Feed {
  return `${org}/msg`
}

export function isTeam(feed: Feed): boolean {
  return feed.endsWith('/team')
}

export function isMessages(feed: Feed): boolean {
  return feed.endsWith('/msg')
}

/** The feeds that an org reads, messages first. */
export function readBy(org: Org): readonly Feed[] {
  return feeds.filter((feed) => !isTeam(feed) || ownerOf(feed) === org)
}

/** A value of a register. */
export type Value = string | boolean

/** A value and the stamp of the edit that set it. */
export interface Register {
  readonly stamp: Stamp
  readonly value: Value
}

/** The records that an org has. Slot "0" carries field "f0", and so on. Nothing ever agrees on "f3". */
export const records = ['r0', 'r1', 'r2'] as const
export const fields = ['f0', 'f1', 'f2', 'f3'] as const
export const allSlots: readonly string[] = ['0', '1', '2']
/** The reserved slot of the existence register: whether the record is shared, and in a team's doc whether the row is there. */
export const existence = 'e'

/** Seconds, as the model counts time, in stamps' milliseconds. */
export const second = 1000
export const hour = 3600 * second
