/** What may be wrong with a value, a record or a mapping. The set is closed: each code has a heading in the docs. */
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
 * Says what happened (`message`), to which field, by which rule, and what to do (`fix`).
 * Neither text ever holds the value itself: both may be logged and sent to the other org.
 */
export interface RecordError {
  readonly code: RecordErrorCode
  /** The field's API name, or '' where the error concerns no single field. */
  readonly field: string
  /** The short name of the rule that was broken, stable enough to look up and to count. */
  readonly rule: string
  readonly message: string
  readonly fix: string
}

export interface Refused {
  readonly ok: false
  readonly error: RecordError
}

/** Makes the failing half of a result. */
export function refuse(code: RecordErrorCode, field: string, rule: string, message: string, fix: string): Refused {
  return { ok: false, error: { code, field, rule, message, fix } }
}
