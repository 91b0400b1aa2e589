import type { ConnectionId, ErrorCode, OrgId, Side } from '@entente/protocol'
import type { ConversionChoices } from './schema/convert.js'
import type { EngineError } from './error.js'
import type { Field } from './schema/field.js'
import type { RecordQuery } from './query/query.js'
import type { Rule } from './query/rule.js'
import type { ObjectName, ObjectSchema } from './schema/schema.js'
import type { Value } from './schema/value.js'

// What a page may ask of one org's engine. Elements take these types and nothing else. Every method that changes something resolves when the
// change is durable on this device, and rejects with an EngineError that says what to do; nothing is half done then. Reads are synchronous, from
// memory; `watch` tells when to read again.

export type { ObjectName } from './schema/schema.js'

export interface Engine {
  readonly org: { readonly id: OrgId; readonly name: string }
  /** Who acts: the person at this device. */
  readonly user: { readonly id: string; readonly name: string; readonly role: 'admin' | 'member' }
  readonly records: RecordsApi
  readonly connections: ConnectionsApi
  readonly agreements: AgreementsApi
  readonly sharing: SharingApi
  readonly people: PeopleApi
  readonly site: SiteApi
  readonly mirrors: MirrorsApi
  readonly sync: SyncApi
  /** Calls back, at most once per turn of the loop, after anything that the reads would show differently. Returns the function that ends it. */
  watch(listener: (changed: ReadonlySet<Topic>) => void): () => void
  close(): Promise<void>
}

/** What may have changed, coarse enough to be cheap. */
export type Topic = 'records' | 'connections' | 'agreements' | 'sharing' | 'people' | 'site' | 'mirrors' | 'sync'

// ---- records

export interface RecordView {
  readonly object: ObjectName
  readonly id: string
  readonly values: Readonly<Record<string, Value>>
  /** Milliseconds since 1970 of the latest edit. */
  readonly changedAt: number
  /** True for a copy that came by export from a vendor. */
  readonly imported: boolean
}

export interface RecordsApi {
  schema(object: ObjectName): ObjectSchema
  addField(object: ObjectName, field: Field): Promise<void>
  /** Takes over a whole schema: its labels, the standard fields as the org changed them, and its own fields. */
  setSchema(schema: ObjectSchema): Promise<void>
  get(object: ObjectName, id: string): RecordView | undefined
  /** Filtered and sorted. `total` counts all records of the object. */
  list(object: ObjectName, query?: RecordQuery): { readonly records: readonly RecordView[]; readonly total: number }
  create(object: ObjectName, values: Readonly<Record<string, unknown>>): Promise<string>
  /** Creates many in slices, giving the page time between them. Values must have passed `parseRecord`; a slice is all or nothing. */
  createMany(
    object: ObjectName,
    rows: readonly Readonly<Record<string, Value>>[],
    onProgress?: (done: number) => void,
  ): Promise<readonly string[]>
  edit(object: ObjectName, id: string, values: Readonly<Record<string, unknown>>): Promise<void>
  remove(object: ObjectName, id: string): Promise<void>
  /** How a record is shared: one for each connection that it was exported over. */
  shares(object: ObjectName, id: string): readonly ShareView[]
  stopSharing(share: string): Promise<void>
  resumeSharing(share: string): Promise<void>
}

export type OutboundStatus =
  | 'ExportInProgress'
  | 'ExportSuccess'
  | 'ExportSuccessSkipped'
  | 'ExportSuccessPartial'
  | 'ExportPublishFieldMapError'
  | 'ExportPublishConnectionError'
  | 'ExportPublishEventError'
  | 'ExportPublishUnknownError'
  | 'ExportSubscribeFieldMapError'
  | 'ExportSubscribeUnknownError'
  | 'UpdateInProgress'
  | 'UpdateSuccess'
  | 'UpdatePublishFieldMapError'
  | 'UpdatePublishConnectionError'
  | 'UpdatePublishEventError'
  | 'UpdatePublishUnknownError'
  | 'UpdateSubscribeFieldMapError'
  | 'UpdateSubscribeRecordNotFound'
  | 'UpdateSubscribeUnknownError'

export type InboundStatus =
  | 'ImportSuccess'
  | 'ImportConctExtlRecError'
  | 'UpdateSuccess'
  | 'UpdateFieldMapError'
  | 'UpdateConctExtlRecError'
  | 'UpdateUnknownError'

export interface ShareView {
  /** The record map's id. */
  readonly id: string
  readonly connection: ConnectionId
  readonly peerName: string
  readonly on: boolean
  readonly outbound: OutboundStatus | undefined
  readonly inbound: InboundStatus | undefined
  readonly errors: readonly ExportError[]
  readonly exportedAt: number
}

export interface ExportError {
  readonly record: string
  readonly field: string
  readonly rule: string
  readonly message: string
  readonly fix: string
}

// ---- connections

export type ConnectionState = 'Pending' | 'Enabled' | 'Disabled' | 'Error' | 'Unknown'

export interface ConnectionView {
  /** The connection's id; the mailbox id of its invitation until the peer is known. */
  readonly id: ConnectionId
  readonly side: Side
  readonly state: ConnectionState
  readonly peerName: string | undefined
  readonly peer: OrgId | undefined
  /** Set on the inviting side while the invitation is open. The fragment holds the secret: show it, never log it. */
  readonly invitation: { readonly link: string; readonly expires: number; readonly state: string } | undefined
  /** "1234 5678 9012", once both sides' keys are known. Both screens show the same. */
  readonly code: string | undefined
  readonly verified: 'no' | 'yes' | 'mismatch'
  /** The principal under which exports, imports and mirror writes are recorded; made without further clicks. */
  readonly integrationUser: string | undefined
  /** What stands in the way, in words for a person. */
  readonly problem: string | undefined
}

export interface ConnectionsApi {
  list(): readonly ConnectionView[]
  get(id: ConnectionId): ConnectionView | undefined
  /** Makes an invitation as vendor. `base` is the address of the page that takes it; the secret goes into its fragment. Admins only. */
  invite(base: string): Promise<ConnectionView>
  cancelInvitation(id: ConnectionId): Promise<void>
  /** Takes an invitation as partner. Resolves when it is noted; the handshake goes on by itself. */
  accept(link: string): Promise<ConnectionView>
  /** A person compared the codes. A mismatch blocks the connection and is recorded. */
  compareCodes(id: ConnectionId, same: boolean): Promise<void>
  disconnect(id: ConnectionId): Promise<void>
}

// ---- agreements

export interface ProposedField {
  readonly field: Field
  /** Whether it keeps flowing after the export; at most 10 per object. */
  readonly update: boolean
}
export interface Proposal {
  readonly objects: Readonly<Partial<Record<ObjectName, { readonly fields: readonly ProposedField[]; readonly owner?: string }>>>
}

/** One line of the partner's acceptance: which field of the vendor's fills which own field, and how its values are converted. */
export interface FieldMapping extends ConversionChoices {
  /** Name of the vendor's field. */
  readonly source: string
  /** Name of the partner's own field. */
  readonly target: string
  /** Narrows: an update field that the partner does not want to keep flowing. */
  readonly update: boolean
}
export interface Acceptance {
  readonly objects: Readonly<
    Partial<
      Record<
        ObjectName,
        {
          readonly fields: readonly FieldMapping[]
          /** Values for own required fields that nothing is mapped to. */
          readonly defaults?: Readonly<Record<string, Value>>
          readonly owner?: string
        }
      >
    >
  >
}

export interface AgreedField {
  readonly vendor: Field
  readonly partner: Field
  /** Present where the field keeps flowing. */
  readonly slot: string | undefined
  readonly mapping: FieldMapping
}
export interface EffectiveAgreement {
  readonly version: number
  /** SHA-256, base64url, over the canonical form; equal on both sides. */
  readonly hash: string
  readonly objects: Readonly<
    Partial<
      Record<
        ObjectName,
        { readonly fields: readonly AgreedField[]; readonly owner?: string; readonly defaults?: Readonly<Record<string, Value>> }
      >
    >
  >
}

export interface AgreementView {
  readonly connection: ConnectionId
  readonly side: Side
  readonly proposal: (Proposal & { readonly version: number; readonly by: string; readonly at: number }) | undefined
  readonly acceptance: (Acceptance & { readonly version: number; readonly by: string; readonly at: number }) | undefined
  readonly effective: EffectiveAgreement | undefined
  /** The hash that the peer computed, once it has told. */
  readonly peerHash: string | undefined
  readonly state: 'none' | 'proposed' | 'agreed'
  /** Whose turn it is. */
  readonly turn: Side | undefined
}

export interface PreflightLine {
  readonly source: string
  readonly target: string | undefined
  readonly verdict: 'same' | 'converts' | 'lossy' | 'blocked'
  readonly reason: string
  readonly samples: readonly { readonly before: Value; readonly after: Value | undefined }[]
}

export interface AgreementsApi {
  get(connection: ConnectionId): AgreementView | undefined
  /** Vendor's admin. A new proposal makes a new version; an eleventh update field is refused with TOO_MANY. */
  propose(connection: ConnectionId, proposal: Proposal): Promise<void>
  /** Partner's admin. */
  accept(connection: ConnectionId, acceptance: Acceptance): Promise<void>
  /** A mapping for the open proposal by API name, then label; keeps the choices given. */
  suggest(connection: ConnectionId, object: ObjectName, chosen?: readonly FieldMapping[]): readonly FieldMapping[]
  preflight(connection: ConnectionId, object: ObjectName, mappings: readonly FieldMapping[]): readonly PreflightLine[]
}

// ---- sharing (vendor)

export interface SharingApi {
  rule(connection: ConnectionId, object: ObjectName): Rule | undefined
  setRule(connection: ConnectionId, object: ObjectName, rule: Rule): Promise<void>
  /** Ids of the own records that the partner sees now. */
  visible(connection: ConnectionId, object: ObjectName): readonly string[]
  /** How many records a rule would show. */
  count(connection: ConnectionId, object: ObjectName, rule: Rule): number
}

// ---- people

export interface PersonView {
  readonly id: string
  readonly name: string
  readonly granted: boolean
}
export interface PeopleApi {
  /** Vendor: the partner's users, as the partner announced them, and whether each may export. Partner: the own users and their grants. */
  list(connection: ConnectionId): readonly PersonView[]
  seats(connection: ConnectionId): { readonly total: number; readonly used: number }
  setSeats(connection: ConnectionId, total: number): Promise<void>
  /** Vendor's admin; TOO_MANY where no seat is left. */
  grant(connection: ConnectionId, person: string): Promise<void>
  revoke(connection: ConnectionId, person: string): Promise<void>
  /** The own org's users. */
  users(): readonly { readonly id: string; readonly name: string; readonly role: 'admin' | 'member' | 'integration' }[]
  addUser(name: string, role: 'admin' | 'member'): Promise<string>
}

// ---- the vendor's partner site, as a user of the partner sees it

export interface ListingView {
  readonly id: string
  readonly connection: ConnectionId
  readonly object: ObjectName
  /** The vendor's values of the export fields. */
  readonly values: Readonly<Record<string, Value>>
  readonly changedAt: number
  /** The own copy, once imported. */
  readonly copy: string | undefined
  readonly status: OutboundStatus | undefined
}

export interface JobView {
  readonly id: string
  readonly connection: ConnectionId
  readonly object: ObjectName
  readonly startedAt: number
  readonly by: string
  readonly total: number
  /** Answered by the vendor, and imported here. */
  readonly exported: number
  readonly imported: number
  readonly skipped: number
  readonly failed: number
  readonly done: boolean
  readonly errors: readonly ExportError[]
}

export interface SiteApi {
  listings(
    connection: ConnectionId,
    object: ObjectName,
    query?: RecordQuery,
  ): { readonly listings: readonly ListingView[]; readonly total: number }
  /** Fields that a listing shows: the vendor's side of the effective agreement. */
  fields(connection: ConnectionId, object: ObjectName): readonly Field[]
  /** Why this user may not export at the moment, or undefined. */
  obstacle(connection: ConnectionId): EngineError | undefined
  /** Asks for records; NOT_ALLOWED without grant, NOT_VERIFIED before the codes were compared. Works offline: the request waits. */
  export(connection: ConnectionId, object: ObjectName, listings: readonly string[]): Promise<string>
  jobs(): readonly JobView[]
  /** Asks again for what failed. */
  retry(job: string): Promise<string>
}

// ---- mirrors

export interface MirrorField {
  readonly label: string
  readonly name: string
  readonly field: Field
  readonly state: 'value' | 'not shared' | 'unreadable'
  readonly value: Value
  readonly changedAt: number | undefined
}

/** "Connected External Lead / Opportunity": what the peer's own record says, as last heard. Read only, everywhere. */
export interface MirrorView {
  readonly id: string
  readonly connection: ConnectionId
  readonly object: ObjectName
  readonly peerName: string
  readonly state: 'live' | 'frozen' | 'waiting'
  readonly fields: readonly MirrorField[]
  readonly changedAt: number | undefined
}

export interface MirrorsApi {
  /** The mirrors that stand as related list on an own record. */
  of(object: ObjectName, record: string): readonly MirrorView[]
  count(connection: ConnectionId): number
}

// ---- sync

export interface SyncView {
  readonly state: 'offline' | 'connecting' | 'online' | 'refused'
  /** Why the relay refused, where it did. */
  readonly reason: ErrorCode | undefined
  /** True where the person cut the wire. */
  readonly cut: boolean
  /** Changes of this device that the relay has not acknowledged. */
  readonly waiting: number
  readonly lastSynced: number | undefined
  readonly leader: boolean
  /** Relay's clock minus the device's, milliseconds. */
  readonly clockOffset: number
  readonly bytesIn: number
  readonly bytesOut: number
  readonly framesIn: number
  readonly framesOut: number
  /** Entries of feeds that came in, of which one is one change of one record. */
  readonly entriesIn: number
  /** Errors of the engine's own work, newest first, without values. */
  readonly problems: readonly { readonly at: number; readonly what: string }[]
}

export interface SyncApi {
  status(): SyncView
  /** The cut-the-wire switch. */
  cut(): void
  mend(): void
  /** Resolves when every feed is up to date, nothing waits and no reconciler has work left, or rejects with OFFLINE after the time. */
  settled(ms: number): Promise<void>
  /**
   * All that a page needs to show one mirror live with a stock y-websocket provider, without an engine. NOT_FOUND where the relay has nothing of the
   * mirror (yet, or any more), OFFLINE where asking again later helps; only the tab that leads can ask.
   */
  openGateway(mirror: string): Promise<GatewayPass>
}

/**
 * What opens one mirror at the relay's y-websocket gateway, in its present epoch. Two of its parts are secrets: hand it from page to page, and never put it into an
 * address, a store or a log. The token reads this one doc, for minutes. The key opens more: every value that the peer sends over this connection under this
 * version of the agreement. It gets at no other doc, as the relay gives those to this org's devices only; but whoever has the key and other
 * docs' bytes can read them, until the next version. So give a pass only to a page that may read this connection's mirrors.
 */
export interface GatewayPass {
  /** The mirror's id. */
  readonly mirror: string
  readonly object: ObjectName
  readonly peerName: string
  /** The provider's room: it dials `<relay>/gateway/<room>?token=<token>`. */
  readonly room: string
  readonly token: string
  /** When the token ends: milliseconds since 1970 by this device's clock. */
  readonly expires: number
  /** Where the doc lies. Its seals are bound to this, and each to its slot (rule SE2). */
  readonly feed: string
  readonly key: string
  readonly epoch: { readonly version: number; readonly number: number }
  /** 32 bytes, the key of the seals (rule SE6). */
  readonly sealKey: Uint8Array
  /** The peer's fields that were agreed on. One without slot does not keep flowing: it reads "not shared". */
  readonly fields: readonly { readonly field: Field; readonly slot: string | undefined }[]
}
