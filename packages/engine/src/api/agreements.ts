import type { ConnectionId, Side } from '@entente/protocol'
import type { ConversionChoices } from '../schema/convert.js'
import type { Field } from '../schema/field.js'
import type { ObjectName } from '../schema/schema.js'
import type { Value } from '../schema/value.js'

/** One field that the vendor offers. */
export interface ProposedField {
  readonly field: Field
  /** True for an update field, which keeps flowing after the export. At most 10 per object (rule AG2). */
  readonly update: boolean
}

/** What the vendor offers of one object. */
export interface ProposedObject {
  readonly fields: readonly ProposedField[]
  /** The name that copies get as their owner, unless the partner chooses another. */
  readonly owner?: string
  /** Whether the partner may list its copies to other orgs (rule AG4). False if left out. */
  readonly passOn?: boolean
}

/** What the vendor offers, by object. */
export interface Proposal {
  readonly objects: Readonly<Partial<Record<ObjectName, ProposedObject>>>
}

/** One line of the partner's acceptance: which field of the vendor fills which own field, and how its values are converted. */
export interface FieldMapping extends ConversionChoices {
  /** API name of the vendor's field. */
  readonly source: string
  /** API name of the partner's own field. */
  readonly target: string
  /** False narrows: the field travels once, though the vendor would keep it flowing. */
  readonly update: boolean
}

/** What the partner takes of a proposal, by object. An object that it leaves out does not travel. */
export interface Acceptance {
  /** The version of the proposal that the person has read. Where the latest is another one, the call is refused (CHANGED). The latest if left out. */
  readonly version?: number
  readonly objects: Readonly<
    Partial<
      Record<
        ObjectName,
        {
          readonly fields: readonly FieldMapping[]
          /** By API name: values for own required fields that nothing is mapped to. */
          readonly defaults?: Readonly<Record<string, Value>>
          /** The name that copies get as their owner. The vendor's choice if left out. */
          readonly owner?: string
        }
      >
    >
  >
}

/** One field that both sides agreed on, as each side describes it. */
export interface AgreedField {
  readonly vendor: Field
  readonly partner: Field
  /** "0" to "9" for a field that keeps flowing: its name on the wire (rule AG2). Undefined for one that travels once. */
  readonly slot: string | undefined
  readonly mapping: FieldMapping
}

/** What both sides agreed on for one object. */
export interface AgreedObject {
  readonly fields: readonly AgreedField[]
  readonly owner?: string
  readonly defaults?: Readonly<Record<string, Value>>
  /** Present where the partner may list its copies to other orgs (rule AG4). */
  readonly passOn?: true
}

/** The intersection of a proposal and its acceptance, computed alike on both sides (rule AG3). */
export interface EffectiveAgreement {
  /** Counts from 1 and grows with each proposal (rule AG1). */
  readonly version: number
  /** SHA-256 over the canonical form, base64url. Equal on both sides. */
  readonly hash: string
  readonly objects: Readonly<Partial<Record<ObjectName, AgreedObject>>>
}

/** Where the agreement over a connection stands. */
export interface AgreementView {
  readonly connection: ConnectionId
  /** Which side the own org is on. */
  readonly side: Side
  /** The latest proposal. `by`: id of the person who decided; `at`: milliseconds since 1970 by that person's device. */
  readonly proposal: (Proposal & { readonly version: number; readonly by: string; readonly at: number }) | undefined
  /** The acceptance of the latest proposal. `by` and `at` as above. */
  readonly acceptance: (Acceptance & { readonly version: number; readonly by: string; readonly at: number }) | undefined
  /** What is in force, without what either side has withdrawn. It stays while a later proposal waits. */
  readonly effective: EffectiveAgreement | undefined
  /** Update fields of the version in force that a side has withdrawn: nothing of them travels (rule WD2). */
  readonly withdrawn: readonly WithdrawnField[]
  /** API names of fields that the latest proposal offers and the vendor has withdrawn since: they do not flow with it (rule WD4). */
  readonly takenBack: Readonly<Partial<Record<ObjectName, readonly string[]>>>
  /** API names of the vendor's fields that the partner was offered with the version in force and did not take. */
  readonly declined: Readonly<Partial<Record<ObjectName, readonly string[]>>>
  /** The objects that a side has switched off, and since when: milliseconds since 1970. Nothing of them travels (rule OB2). */
  readonly off: readonly { readonly object: ObjectName; readonly by: 'own' | 'peer'; readonly at: number }[]
  /** The hash that the other org computed for the version in force, once it has arrived. */
  readonly peerHash: string | undefined
  readonly state: 'none' | 'proposed' | 'agreed'
  /** Whose turn it is. Undefined once agreed. */
  readonly turn: Side | undefined
  /**
   * What the next proposal may begin with: what the vendor offered last, over this connection or else over an earlier one with the same org, without what either side
   * has withdrawn since it is in force. Without an object where nothing was offered.
   */
  readonly offer: Proposal
}

/** An agreed field that copies do not have yet. */
export interface Gap {
  readonly field: AgreedField
  /** All copies of the object over the connection. */
  readonly copies: number
  /** In how many of them the field is empty and the vendor's value is here, and for how many it has not come yet. */
  readonly ready: number
  readonly waiting: number
}

/** A field that the partner asks for, in its own words: it does not know which fields the vendor has. */
export interface WishView {
  /** 128 bits, base64url. */
  readonly id: string
  readonly object: ObjectName
  /** What the partner calls the field. 1 to 100 characters. */
  readonly label: string
  /** Whether it should keep flowing after the export. */
  readonly update: boolean
  /** Up to 500 characters. Empty for none. */
  readonly reason: string
  /** Id of the admin of the partner who asked, and when: milliseconds since 1970. */
  readonly by: string
  readonly at: number
  /** What an admin of the vendor answered last. Undefined while the wish is open. */
  readonly answer: { readonly answer: 'offered' | 'declined'; readonly by: string; readonly at: number } | undefined
}

/** An update field that a side has withdrawn alone. */
export interface WithdrawnField {
  readonly object: ObjectName
  readonly field: AgreedField
  readonly by: Side
  /** Id of the admin who withdrew it. */
  readonly person: string
  /** When, by that person's device: milliseconds since 1970. */
  readonly at: number
}

/** A version of the agreement that was in force, or is: who signed it, and what they signed. */
export interface AgreementVersion {
  readonly agreement: EffectiveAgreement
  readonly proposal: Signed
  readonly acceptance: Signed
}

/** A decision: the person's id, the time in milliseconds since 1970 by that person's device, and the signed text (compact JWS, rule SD1). */
export interface Signed {
  readonly by: string
  readonly at: number
  readonly jws: string
}

/** What one line of a mapping will do. */
export interface PreflightLine {
  /** API name of the vendor's field, or '' for an own field that nothing is mapped to. */
  readonly source: string
  /** API name of the own field. Undefined for an offered field that the mapping leaves out. */
  readonly target: string | undefined
  /** See `Verdict`. An acceptance with a blocked line is refused. */
  readonly verdict: 'same' | 'converts' | 'lossy' | 'blocked'
  /** In words for a person. */
  readonly reason: string
  /** At most three values of the vendor's listings, refused and changed ones first. `after` is undefined for a refused one. */
  readonly samples: readonly { readonly before: Value; readonly after: Value | undefined }[]
}

/**
 * Which fields travel: the vendor proposes, the partner accepts a part, and both compute the same agreement.
 *
 * @example
 * ```ts
 * // An admin of the vendor proposes four fields. Two of them keep flowing.
 * const offered = vendor.records
 *   .schema('Opportunity')
 *   .fields.filter(({ name }) => ['Name', 'CloseDate', 'StageName', 'Amount'].includes(name))
 * await vendor.agreements.propose(connection, {
 *   objects: {
 *     Opportunity: { fields: offered.map((field) => ({ field, update: ['StageName', 'Amount'].includes(field.name) })) },
 *   },
 * })
 *
 * // An admin of the partner looks at what each line will do, and accepts.
 * await until(partner, () => partner.agreements.get(connection)?.turn === 'partner')
 * const mapping = partner.agreements.suggest(connection, 'Opportunity')
 * const lines = partner.agreements.preflight(connection, 'Opportunity', mapping)
 * console.log(lines.map(({ verdict }) => verdict)) // ["same","same","same","same"]
 * await partner.agreements.accept(connection, { objects: { Opportunity: { fields: mapping } } })
 *
 * await until(vendor, () => vendor.agreements.get(connection)?.state === 'agreed')
 * ```
 */
export interface AgreementsApi {
  /** Undefined until both orgs are connected. */
  get(connection: ConnectionId): AgreementView | undefined

  /**
   * Proposes, as an admin of the vendor. Each proposal has the next version; the agreement in force stays until the new one is accepted. Each field goes out
   * as the own schema describes it, whatever else `field` says.
   *
   * @throws EngineError NOT_FOUND if there is no such connection; NOT_CONNECTED if it is not enabled; NOT_ALLOWED for the partner or a member; INVALID
   * for a field that the own schema does not have, or that is named twice; CHANGED if somebody else of the org proposes at the same moment; TOO_MANY for an
   * eleventh update field of one object; SIZE for a proposal over some 47 KiB, which is 64 KiB once it is signed
   */
  propose(connection: ConnectionId, proposal: Proposal): Promise<void>

  /**
   * Accepts the latest proposal, as an admin of the partner. The agreement is in force with it, also where the vendor has proposed anew by then.
   *
   * @throws EngineError NOT_FOUND if there is no such connection or no proposal; NOT_CONNECTED if the connection is not enabled; NOT_ALLOWED for the
   * vendor or a member; INVALID if the proposal was accepted already, or if a line is blocked, names an unknown field, or takes a field twice; CHANGED
   * if the latest proposal is not the one that was read, or another one arrives at the same moment; SIZE for an acceptance over some 47 KiB (64 KiB signed)
   */
  accept(connection: ConnectionId, acceptance: Acceptance): Promise<void>

  /**
   * Withdraws update fields alone and at once, as an admin of either side: from now on nothing of them travels, in either direction. The relay serves them no more, mirrors drop them, and each
   * owner's next visit removes them from the relay. Imported copies keep what they got. Only a new version of the agreement brings them back.
   *
   * @param fields API names of own fields that keep flowing
   * @throws EngineError NOT_FOUND if there is no such connection; NOT_CONNECTED if it is not enabled; NOT_ALLOWED for a member; INVALID if one of the fields does not keep flowing;
   * CHANGED if another version comes into force at the same moment
   */
  withdraw(connection: ConnectionId, object: ObjectName, fields: readonly string[]): Promise<void>

  /**
   * Switches an object off for this connection, or the own switch on again, as an admin of either side. While either side has it off, no listing, export or update
   * of it travels; mirrors stay as they last stood. Edits made meanwhile flow once both sides have it on. Switching it as it is does nothing.
   *
   * @throws EngineError NOT_FOUND if there is no such connection; NOT_CONNECTED if it is not enabled; NOT_ALLOWED for a member
   */
  switchObject(connection: ConnectionId, object: ObjectName, on: boolean): Promise<void>

  /** The partner's wishes for fields that are kept now, the oldest first, on both sides. */
  wishes(connection: ConnectionId): readonly WishView[]

  /**
   * Asks the vendor for a field, as an admin of the partner. Nothing follows from it but that the vendor sees it and may answer. Resolves with the wish's id.
   *
   * @throws EngineError NOT_FOUND if there is no such connection; NOT_CONNECTED if it is not enabled; NOT_ALLOWED for the vendor or a member; INVALID for a
   * label or a reason of another length; TOO_MANY for a twenty-first wish
   */
  ask(
    connection: ConnectionId,
    object: ObjectName,
    wish: { readonly label: string; readonly update?: boolean; readonly reason?: string },
  ): Promise<string>

  /**
   * Takes a wish back, answered or not, as an admin of the partner. It disappears on both sides.
   *
   * @throws EngineError NOT_FOUND if there is no such connection or wish; NOT_CONNECTED if it is not enabled; NOT_ALLOWED for the vendor or a member
   */
  takeBackWish(connection: ConnectionId, wish: string): Promise<void>

  /**
   * Answers a wish, as an admin of the vendor. `offered` says that a proposal has the field; it proposes nothing itself. A later answer replaces the one before.
   *
   * @throws EngineError NOT_FOUND if there is no such connection or wish; NOT_CONNECTED if it is not enabled; NOT_ALLOWED for the partner or a member
   */
  answerWish(connection: ConnectionId, wish: string, answer: 'offered' | 'declined'): Promise<void>

  /**
   * How many of the records that are shared now have come to the version in force: at the vendor those of which the relay has acknowledged everything, at the partner those whose
   * vendor's doc is of that version. Update fields of a wider agreement reach records exported before by themselves.
   */
  reached(connection: ConnectionId, object: ObjectName): { readonly records: number; readonly reached: number }

  /**
   * Which agreed fields are empty in copies that the partner has, and could be filled in with what the vendor shared: an update field's value from its mirror, another's as it was when both agreed on it.
   * A field that ever held something in a copy is not counted. Looks at every copy. Empty for the vendor.
   */
  gaps(connection: ConnectionId, object: ObjectName): readonly Gap[]

  /**
   * Fills empty fields of copies in, as a person of the partner: edits like any other. Never changes a field that holds something, or that a person emptied. After a crash, or
   * where it is called twice at once, calling it again fills in the rest.
   *
   * @param fields API names of own fields
   * @param onProgress hears of copies, done and in all
   * @returns how many copies were filled in, and how many values did not fit their field
   * @throws EngineError NOT_FOUND if there is no such connection; NOT_CONNECTED if it is not enabled; NOT_ALLOWED for the vendor
   */
  fillIn(
    connection: ConnectionId,
    object: ObjectName,
    fields: readonly string[],
    onProgress?: (done: number, total: number) => void,
  ): Promise<{ readonly filled: number; readonly refused: number }>

  /** All versions that were in force on this device, the latest first. */
  history(connection: ConnectionId): readonly AgreementVersion[]

  /**
   * Suggests a mapping for the latest proposal. The first one: own fields of the same API name, then of the same label. Once an agreement is in force, or was over an
   * earlier connection with the same org, its own lines and nothing else, so that nobody takes by a click what was declined, withdrawn or is new. Lines that are given as `chosen` stay. Empty without a proposal.
   */
  suggest(connection: ConnectionId, object: ObjectName, chosen?: readonly FieldMapping[]): readonly FieldMapping[]

  /**
   * Says what each line of a mapping will do, on at most 500 of the vendor's listings; then which own required fields nothing fills (`blocked`), and which
   * offered fields are left out.
   *
   * @throws EngineError NOT_FOUND if there is no such connection; NOT_CONNECTED if it is not enabled
   */
  preflight(connection: ConnectionId, object: ObjectName, mappings: readonly FieldMapping[]): readonly PreflightLine[]
}
