/** Why a value, a record, a mapping or a rule is refused. The set is closed, and `docs/errors.md` has a heading for each code. */
export type RecordErrorCode =
  /** Not a value of this type: NaN, 1e999, year 275760, a lone surrogate, a checkbox that is a text. */
  | 'TYPE'
  /** Nested deeper than a value may be. */
  | 'DEPTH'
  /** More parts than a value may have. */
  | 'SIZE'
  /** Longer than the field's length. */
  | 'LENGTH'
  /** The right type, but not written as this field wants it: an email without a domain. */
  | 'FORMAT'
  /** A number outside what the field holds, in size or in decimal places. */
  | 'RANGE'
  /** A required field without a value. */
  | 'REQUIRED'
  /** A value that the picklist does not offer. */
  | 'PICKLIST'
  /** A field that the object does not have, or a name that is not allowed. */
  | 'FIELD'
  /** A field type that does not travel between orgs. */
  | 'UNSUPPORTED'
  /** A mapping that cannot bring this field's values to the other field. */
  | 'MAPPING'
  /** A sharing rule or filter that cannot be applied. */
  | 'RULE'

/**
 * One problem of a value, a record, a mapping or a rule: what happened, to which field, by which rule, and what to do. It is data, not an exception: an
 * EngineError INVALID carries a list of them. No text holds the value, as both may be logged and sent to the other org.
 */
export interface RecordError {
  readonly code: RecordErrorCode
  /** The field's API name, or '' if no single field is to blame. */
  readonly field: string
  /** The short name of the broken rule. It stays the same over versions, to be looked up and counted. */
  readonly rule: string
  /** What happened, for a person. */
  readonly message: string
  /** What to do, for a person. */
  readonly fix: string
}

/** The failing half of a result. */
export interface Refused {
  readonly ok: false
  readonly error: RecordError
}

/** Makes the failing half of a result. */
export function refuse(code: RecordErrorCode, field: string, rule: string, message: string, fix: string): Refused {
  return { ok: false, error: { code, field, rule, message, fix } }
}
