/** Objects whose rows decide what leaves the org, to whom, and how it works. */
const deciding: ReadonlySet<string> = new Set([
  'Invitation',
  'Connection',
  'Agreement',
  'AgreementVersion',
  'Proposal',
  'Grant',
  'SharingRule',
  'Setting',
])

/** Whether a row counts only with the signature of an admin's device (rule DR1). What a person chooses for their own pages is theirs. */
export function decides(object: string, id: string): boolean {
  // The people whom the other org has announced: with those who left go their grants. And that an announcement was heard, with the rows that follow from it.
  if (object === 'Announcement') return /(:peer people|\/(people|grants|site):heard)$/.test(id)
  return deciding.has(object) && !(object === 'Setting' && id.startsWith('person '))
}
