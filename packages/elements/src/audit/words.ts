import type { AuditEntry, AuditKind } from '@entente/engine'

/** The kinds of entries, in the order in which a choice offers them. */
export const auditKinds: readonly AuditKind[] = [
  'invitation',
  'connection',
  'codes compared',
  'codes differ',
  'codes taken back',
  'proposal',
  'consent',
  'withdrawal',
  'rule',
  'people',
  'grant',
  'revocation',
  'grants',
  'seats',
  'request',
  'export',
  'import',
  'pause',
  'resume',
  'adoption',
  'rotation',
  'end',
  'refusal',
  'other',
]

const words: Readonly<Partial<Record<AuditKind, string>>> = {
  connection: 'connected',
  'codes compared': 'found the codes the same',
  'codes differ': 'said that the codes differ',
  'codes taken back': 'took back that the codes differ',
  proposal: 'proposed fields',
  consent: 'accepted fields',
  withdrawal: 'withdrew fields',
  rule: 'changed the sharing rule',
  people: 'listed its people',
  grant: 'granted the export',
  revocation: 'took the export away',
  grants: 'told who may export',
  seats: 'set the seats',
  request: 'asked for records',
  export: 'exported records',
  import: 'imported records',
  pause: 'paused the connection',
  resume: 'resumed the connection',
  adoption: 'let earlier records carry on',
  rotation: 'changed its keys',
  end: 'ended the connection',
  refusal: 'refused what came',
}

/** Messages of their own type, which the entry names. */
const others: Readonly<Record<string, string>> = {
  objects: 'switched an object on or off',
  recall: 'recalled an export',
  wish: 'asked for a field',
  'wish-answer': 'answered a wish',
}

/** What an entry says happened, with its object. */
export function whatWords({ kind, object, about = '' }: Pick<AuditEntry, 'kind' | 'object'> & Partial<Pick<AuditEntry, 'about'>>): string {
  const said = words[kind] ?? (kind === 'other' ? others[about] : undefined) ?? kind
  return object === undefined ? said : `${said} (${object === 'Lead' ? 'leads' : 'opportunities'})`
}
