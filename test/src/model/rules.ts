/**
 * The rules that the model can leave out, one at a time. Each line says what a device or the relay does while the rule holds. A run that leaves a rule out has
 * to break something that the checks look at, or the rule is not needed.
 */
export const rules = {
  origin: 'An entry of the own org’s feed counts only with values that an own device made.',
  existence: 'A whole doc or an erasure counts only if its existence register opens at its place.',
  whole: 'An entry joins the stored doc only if every value that it changes opens.',
  seen: 'A mirror never shows a stamp below the highest that it showed within a version.',
  'erased-stamps': 'Erasing at a reader drops values and keeps stamps.',
  'old-versions': 'A reader ignores docs of versions below the one that it showed.',
  incarnations: 'After LOST a device reads the feed from its start, and publishes again.',
  heads: 'A writer signs what its feed holds, and a reader compares.',
  'last-head': 'A reader compares only where the head is the last entry, or came live.',
  'read-again': 'A device that differs from a head reads the feed again.',
  'read-behind': 'A device that is BEHIND although nothing comes reads the feed again.',
  leaves: 'A reader that still differs tells the owner its leaves; the owner publishes anew.',
  'hand-back': 'A reader whose seen registers stand above a matching head hands them back.',
  'hand-back-origin': 'An owner takes of what is handed back only what bears its own origin.',
  sealed: 'A device believes the seal of a control entry, not its public copy.',
  signed: 'A new version of the agreement needs the signatures of both sides.',
  gossip: 'A device puts the newest verified heads of each feed into the team feed.',
  restored: 'A restored device publishes to no connection before its team feed matches a head.',
  withdrawn: 'A reader drops a withdrawn slot, and the relay stops serving it.',
  'withdrawn-heads': 'The relay serves no head of a feed while it serves not all of its docs.',
  roster: 'Only devices on the highest roster count.',
  'roster-order': 'The relay takes no offer of a session that has not absorbed the highest roster.',
  rotation: 'A value of an older generation counts only if it was absorbed before, or a head covers it.',
  'newer-generation': 'A value of a newer generation than known is held, and its key not written.',
  'removed-decisions': 'A decision counts only if its device is on the highest roster.',
} as const

export type Rule = keyof typeof rules
