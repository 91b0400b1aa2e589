import type { Check } from './checks.js'

/**
 * The rules that the model can leave out, one at a time. Each line says what a device or the relay does while the rule holds, and the check that breaks in some
 * run without it: the one that the rule is for. A rule that no run needs has no place here.
 */
export const rules = {
  origin: { check: 'OWN_ROW_CHANGED', text: 'An entry of the own org’s feed counts only with values that an own device made.' },
  existence: { check: 'MIRROR_BACK', text: 'A whole doc or an erasure counts only if its existence register opens at its place.' },
  seen: { check: 'MIRROR_BACK', text: 'A mirror never shows a stamp below the highest that it showed within a version.' },
  'erased-stamps': { check: 'MIRROR_BACK', text: 'Erasing at a reader drops values and keeps stamps.' },
  incarnations: { check: 'LOST', text: 'After LOST a device reads the feed from its start, and publishes again.' },
  heads: { check: 'UNNOTICED', text: 'A writer signs what its feed holds, and a reader compares.' },
  'last-head': { check: 'FALSE_ALARM', text: 'A reader compares only where the head is the last entry, or came live.' },
  dispute: { check: 'UNNOTICED', text: 'A head that a device signed itself settles no dispute of the last hour with a colleague.' },
  'older-head': { check: 'FALSE_ALARM', text: 'A head of an older generation than the reader knows is not compared.' },
  unread: { check: 'FALSELY_CONFIRMED', text: 'A device says nothing is confirmed while it keeps an entry of the feed unread.' },
  'same-once': { check: 'NO_REST', text: 'A device signs the same of a feed at most once an hour, whatever the newest head says.' },
  release: { check: 'NOT_CONFIRMED', text: 'An own device holds what no head covers for ten minutes, then publishes the key anew.' },
  garbage: { check: 'NOT_CONFIRMED', text: 'What does not open in the own feed of a connection is erased, where no row carries its key.' },
  'read-again': { check: 'NOT_CONFIRMED', text: 'A device that differs from a head reads the feed again.' },
  'read-behind': { check: 'NOT_CONFIRMED', text: 'A device that is BEHIND although nothing comes reads the feed again.' },
  'whole-again': { check: 'LOST', text: 'An owner whose update does not follow at the relay publishes the key as a whole.' },
  leaves: { check: 'NOT_CONFIRMED', text: 'A reader that still differs tells the owner its leaves; the owner publishes anew.' },
  'hand-back': { check: 'MIRROR_DIFFERS', text: 'A reader whose seen registers stand above a matching head hands them back.' },
  'hand-back-origin': { check: 'OWN_ROW_CHANGED', text: 'An owner takes of what is handed back only what bears its own origin.' },
  'hand-back-late': {
    check: 'OWN_ROW_CHANGED',
    text: 'Of an older generation, an owner takes back no more than it would take in its feed.',
  },
  'let-go': {
    check: 'MIRROR_DIFFERS',
    text: 'A reader lets go of an older generation’s value that its owner has been handed back, and does not cover.',
  },
  sealed: { check: 'DECISION_FORGED', text: 'A device believes the seal of a control entry, not its public copy.' },
  signed: { check: 'DECISION_FORGED', text: 'A new version of the agreement needs the signatures of both sides.' },
  gossip: { check: 'FREEZE_UNNOTICED', text: 'A device puts the newest verified heads of each feed into the team feed.' },
  withdrawn: { check: 'WITHDRAWN_SHOWN', text: 'A reader drops a withdrawn slot, and the relay stops serving it.' },
  'withdrawn-heads': { check: 'FALSE_ALARM', text: 'The relay serves no head of a feed while it serves not all of its docs.' },
  'withdrawn-later': { check: 'FALSE_ALARM', text: 'A head from before a withdrawal does not tell that something is held back.' },
  roster: { check: 'DECISION_FORGED', text: 'Only devices on the highest roster count.' },
  'roster-order': { check: 'FALSE_ALARM', text: 'The relay takes no offer of a session that has not absorbed the highest roster.' },
  'rotation-chain': { check: 'LOST', text: 'A rotation names the one before, and its admin answers for that: who made it may be gone.' },
  'any-order': {
    check: 'NOT_CONFIRMED',
    text: 'A rotation or roster that comes before the one that it follows is kept until that has come.',
  },
  rotation: {
    check: 'OWN_ROW_CHANGED',
    text: 'A value of an older generation counts only if it was absorbed before, or a head covers it.',
  },
  'newer-generation': { check: 'FALSE_ALARM', text: 'A value of a newer generation than known is held, and its key not written.' },
  'removed-decisions': { check: 'DECISION_FORGED', text: 'A decision counts only if its device is on the highest roster.' },
} as const satisfies Record<string, { readonly check: Check; readonly text: string }>

export type Rule = keyof typeof rules
