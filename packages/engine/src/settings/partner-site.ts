import type { ConnectionId } from '@entente/protocol'
import * as v from 'valibot'
import { perObject, value } from '../agree/agreement-terms.js'
import type { PartnerSite, SiteList } from '../api/index.js'
import { operators, validateCondition } from '../query/condition.js'
import { valueOf } from '../row/row.js'
import type { RowReader } from '../row/rows.js'
import { isWellFormed } from '../schema/value.js'
import { findField, type ObjectSchema } from '../schema/schema.js'

export const siteRowId = (connection: ConnectionId): string => `site:${connection}`

/** Characters that nobody sees, or that change how others are seen: controls, directions, zero-width ones. Joiners stay, because scripts need them. */
const hidden = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/u

const words = (most: number) =>
  v.pipe(
    v.string(),
    v.maxLength(most),
    v.check((text) => isWellFormed(text) && !hidden.test(text)),
  )
const fieldName = v.pipe(v.string(), v.regex(/^[A-Za-z][A-Za-z0-9_]{0,79}$/))

/** How a partner site looks, as the vendor's admin signs it (rule PE3). */
export const siteTerms = v.object({
  name: words(80),
  introduction: words(1_000),
  objects: perObject(
    v.object({
      columns: v.exactOptional(v.pipe(v.array(fieldName), v.maxLength(50))),
      sort: v.exactOptional(
        v.pipe(v.array(v.object({ field: fieldName, direction: v.picklist(['ascending', 'descending']) })), v.maxLength(5)),
      ),
      conditions: v.exactOptional(
        v.pipe(v.array(v.object({ field: fieldName, operator: v.picklist(operators), value: v.exactOptional(value) })), v.maxLength(20)),
      ),
    }),
  ),
})

export const plainSite: PartnerSite = { name: '', introduction: '', objects: {} }

/** How a partner site was made to look; undefined where nobody chose. */
export function storedSite(rows: RowReader, connection: ConnectionId): PartnerSite | undefined {
  const parsed = v.safeParse(siteTerms, valueOf(rows.get('Setting', siteRowId(connection)), 'value'), { abortEarly: true })
  return parsed.success ? parsed.output : undefined
}

/** The part of a list's look that names fields of this schema. The agreement may have changed since it was chosen. */
export function fittingList(schema: ObjectSchema, { columns, sort, conditions }: SiteList): SiteList {
  const isKnown = (name: string): boolean => findField(schema, name) !== undefined
  return {
    ...(columns && { columns: columns.filter(isKnown) }),
    ...(sort && { sort: sort.filter(({ field }) => isKnown(field)) }),
    ...(conditions && { conditions: conditions.filter((condition) => validateCondition(schema, condition).ok) }),
  }
}
