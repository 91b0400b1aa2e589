import type {
  AgreedField,
  AgreementView,
  ConnectionView,
  Field,
  JobView,
  MirrorView,
  RecordView,
  ShareView,
  SignedFeed,
} from '@entente/engine'
import { findField, standardOpportunity } from '@entente/engine'

export const connectionId = 'CCCCCCCCCCCCCCCCCCCCCC' as ConnectionView['id']

export function connected(part: Partial<ConnectionView> = {}): ConnectionView {
  return {
    id: connectionId,
    side: 'vendor',
    state: 'Enabled',
    peerName: 'Tessaly & Brook',
    peer: undefined,
    invitation: undefined,
    code: '1234 5678 9012',
    verified: 'yes',
    peerVerified: true,
    label: undefined,
    mismatchBy: undefined,
    comparedAgain: 0,
    integrationUser: 'integration.abc',
    why: undefined,
    earlier: 0,
    first: undefined,
    problem: undefined,
    ...part,
  }
}

export function opportunity(id: string, values: RecordView['values'] = {}): RecordView {
  const usual = { Name: `Deal ${id}`, StageName: 'Qualification', CloseDate: '2027-03-01', Amount: { amount: '1250.00', currency: 'EUR' } }
  return {
    object: 'Opportunity',
    id,
    values: { ...usual, ...values },
    changedAt: Date.now() - 60_000,
    imported: false,
    converted: undefined,
  }
}

export function opportunities(count: number): RecordView[] {
  return Array.from({ length: count }, (_, index) => opportunity(String(index).padStart(5, '0')))
}

export function field(name: string): Field {
  const found = findField(standardOpportunity, name)
  if (!found) throw new Error(`no field ${name}`)
  return found
}

export function mirror(part: Partial<MirrorView> = {}): MirrorView {
  const line = (name: string, state: MirrorView['fields'][number]['state'], value: MirrorView['fields'][number]['value']) => ({
    label: field(name).label,
    name,
    field: field(name),
    state,
    value,
    changedAt: state === 'not shared' ? undefined : Date.now() - 120_000,
    own: field(name),
    differs: false,
  })
  return {
    id: 'map',
    connection: connectionId,
    object: 'Opportunity',
    peerName: 'Tessaly & Brook',
    state: 'live',
    why: undefined,
    fields: [
      line('Name', 'not shared', null),
      line('StageName', 'value', 'Closed Won'),
      line('NextStep', 'value', 'Call the buyer'),
      line('Amount', 'unreadable', null),
    ],
    changedAt: Date.now() - 120_000,
    signed: { state: 'signed', signedAt: Date.now() - 60_000, since: undefined },
    ...part,
  }
}

export function agreed(part: Partial<AgreementView> = {}): AgreementView {
  const agreedField = (name: string, slot: string | undefined): AgreedField => ({
    vendor: field(name),
    partner: field(name),
    slot,
    mapping: { source: name, target: name, update: slot !== undefined },
  })
  return {
    connection: connectionId,
    side: 'vendor',
    proposal: undefined,
    acceptance: undefined,
    effective: {
      version: 1,
      hash: 'h'.repeat(43),
      objects: { Opportunity: { fields: [agreedField('Name', undefined), agreedField('StageName', '0'), agreedField('NextStep', '1')] } },
    },
    withdrawn: [],
    takenBack: {},
    off: [],
    declined: {},
    peerHash: 'h'.repeat(43),
    state: 'agreed',
    turn: undefined,
    offer: { objects: {} },
    ...part,
  }
}

export function share(part: Partial<ShareView> = {}): ShareView {
  return {
    id: 'map',
    connection: connectionId,
    peerName: 'Tessaly & Brook',
    on: true,
    state: 'current',
    why: undefined,
    receipt: { reached: 'peer', edited: Date.now() - 180_000, relayed: Date.now() - 178_000, read: Date.now() - 120_000 },
    outbound: 'UpdateSuccess',
    inbound: 'UpdateSuccess',
    errors: [],
    exportedAt: Date.now() - 3_600_000,
    ...part,
  }
}

export function job(part: Partial<JobView> = {}): JobView {
  return {
    id: 'job',
    connection: connectionId,
    object: 'Opportunity',
    startedAt: Date.now() - 5_000,
    by: 'paul',
    total: 10,
    exported: 10,
    imported: 10,
    skipped: 0,
    failed: 0,
    partial: 0,
    cancelled: 0,
    side: 'partner',
    state: part.done === false ? 'running' : 'done',
    waits: undefined,
    perSecond: 0,
    recall: undefined,
    done: true,
    ...part,
  }
}

export function signedFeed(part: Partial<SignedFeed> = {}): SignedFeed {
  return {
    connection: connectionId,
    whose: 'peer',
    topic: 'opportunity',
    state: 'signed',
    signedAt: Date.now() - 60_000,
    since: undefined,
    records: [],
    ...part,
  }
}

/** All feeds of the connection, as both orgs signed them a minute ago; with one direction's feed of opportunities as a test wants it. */
export function signedFeeds(part: Partial<SignedFeed> = {}): SignedFeed[] {
  const all = (['peer', 'own'] as const).flatMap((whose) =>
    ['messages', 'lead', 'opportunity'].map((topic) => signedFeed({ whose, topic })),
  )
  return all.map((feed) => (feed.topic === 'opportunity' && feed.whose === (part.whose ?? 'peer') ? { ...feed, ...part } : feed))
}
