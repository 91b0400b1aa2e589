import type { Field } from '@entente/engine'
import type { TemplateResult } from 'lit'
import { select } from '../base/select.js'

/** An option that is no value of a picklist. */
const leaveOut = '\u0000'

/** What a text of the file means in a picklist: one of its values, nothing, or not known, which leaves its rows out. */
export function counterpartSelect(
  label: string,
  field: Field,
  chosen: string | undefined,
  set: (value: string | undefined) => void,
  open = 'Leave these rows out',
): TemplateResult {
  const values = (field.picklist ?? []).filter(({ active }) => active !== false)
  return select(
    label,
    chosen ?? leaveOut,
    [
      [leaveOut, open],
      ...(field.required === true ? [] : [['', 'Nothing: leave it empty'] as const]),
      ...values.map((entry) => [entry.value, entry.label] as const),
    ],
    (text) => set(text === leaveOut ? undefined : text),
  )
}

/** A table of counterparts with one more, or one less. */
export function withCounterpart(
  table: Readonly<Record<string, string>> | undefined,
  texts: readonly string[],
  value: string | undefined,
): Readonly<Record<string, string>> {
  const kept = Object.entries(table ?? {}).filter(([text]) => !texts.includes(text))
  return Object.fromEntries(value === undefined ? kept : [...kept, ...texts.map((text) => [text, value] as const)])
}
