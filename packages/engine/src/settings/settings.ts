import { utf8ByteLength } from 'lib0/string'
import * as v from 'valibot'
import { contentToValue } from '../agree/canonical.js'
import { agreementFacts } from '../agree/agreement-row.js'
import { objectNames } from '../agree/narrow-proposal.js'
import { type ObjectName, type PartnerSite, type RecordPage, relatedLists, type SettingsApi, type SiteList } from '../api/index.js'
import { connectionFacts, requireConnection, whileConnected } from '../connect/connection-facts.js'
import type { EngineContext } from '../context.js'
import { EngineError } from '../error.js'
import { valueOf } from '../row/row.js'
import type { RowEdit } from '../row/rows.js'
import { fittingList, plainSite, siteRowId, siteTerms, storedSite } from './partner-site.js'

/** The row of what the org has chosen. A person's own choices are in a row by the person's id. */
const orgRow = { object: 'Setting', id: 'org' } as const

const defaultCurrency = 'USD'
/** A partner site travels as one message (rule IS3). In bytes of JSON. */
const maxSiteBytes = 44_000

const page = v.object({
  lists: v.pipe(
    v.array(v.picklist(relatedLists)),
    v.check((lists) => new Set(lists).size === lists.length),
  ),
  mirrorFields: v.exactOptional(v.pipe(v.array(v.pipe(v.string(), v.maxLength(255))), v.maxLength(300))),
})
const plainPage: RecordPage = { lists: relatedLists }

export type SettingsParts = Pick<EngineContext, 'rows' | 'user' | 'schema'>

/** What the org and its people have chosen: how values are read and shown, how record pages look, and how partner sites look. */
export function createSettings({ rows, user, schema }: SettingsParts): SettingsApi {
  const ownRow = { object: 'Setting', id: `person ${user.id}` } as const
  const textIn = (row: typeof orgRow | typeof ownRow, register: string): string | undefined => {
    const value = valueOf(rows.get(row.object, row.id), register)
    return typeof value === 'string' && value !== '' ? value : undefined
  }
  const requireAdmin = (what: string): void => {
    if (user.role !== 'admin') throw new EngineError('NOT_ALLOWED', `Only an admin chooses ${what}. Ask an admin of your org.`)
  }
  const pageOf = (object: ObjectName): RecordPage => {
    const parsed = v.safeParse(page, valueOf(rows.get(orgRow.object, orgRow.id), pageRegister(object)))
    return parsed.success ? parsed.output : plainPage
  }
  return {
    read: () => ({
      currency: textIn(orgRow, 'currency') ?? defaultCurrency,
      locale: textIn(ownRow, 'locale'),
      pages: { Lead: pageOf('Lead'), Opportunity: pageOf('Opportunity') },
    }),
    async change({ currency, locale, pages = {} }) {
      const edits: RowEdit[] = []
      if (currency !== undefined) {
        requireAdmin('the org’s currency')
        if (!Intl.supportedValuesOf('currency').includes(currency))
          throw new EngineError('INVALID', 'The currency must be an ISO 4217 code such as EUR. Choose one of the list.')
        edits.push({ ...orgRow, values: { currency } })
      }
      for (const object of objectNames) {
        const chosen = pages[object]
        if (chosen === undefined) continue
        requireAdmin('how record pages look')
        if (chosen !== null && !v.is(page, chosen))
          throw new EngineError('INVALID', 'A record page names each related list once at most, and fields by their API names. Correct it.')
        edits.push({ ...orgRow, values: { [pageRegister(object)]: chosen && contentToValue(chosen) } })
      }
      if (locale !== undefined) edits.push({ ...ownRow, values: { locale: locale === null ? '' : checkedLocale(locale) } })
      if (edits.length > 0) await rows.save(edits)
    },
    site(id) {
      const connection = connectionFacts(rows.get('Connection', id))
      const { name, introduction, objects } = (connection && storedSite(rows, connection.id)) ?? plainSite
      const fitting: { -readonly [Name in ObjectName]?: SiteList } = {}
      for (const object of objectNames) {
        const list = objects[object]
        if (!connection || !list) continue
        const own = schema(object)
        const agreed = agreementFacts(rows.get('Agreement', connection.id)).effective?.objects[object]?.fields ?? []
        fitting[object] = fittingList(connection.side === 'vendor' ? own : { ...own, fields: agreed.map(({ vendor }) => vendor) }, list)
      }
      return { name, introduction, objects: fitting }
    },
    async changeSite(id, site) {
      requireAdmin('how the partner site looks')
      const connection = requireConnection(rows, id, 'vendor')
      await rows.save(
        [{ object: 'Setting', id: siteRowId(id), values: { value: contentToValue(checkedSite(site, schema)) } }],
        whileConnected(connection),
      )
    },
  }
}

const pageRegister = (object: ObjectName): string => `page.${object}`

function checkedSite(site: PartnerSite, schema: SettingsParts['schema']): PartnerSite {
  const parsed = v.safeParse(siteTerms, site, { abortEarly: true })
  if (!parsed.success)
    throw new EngineError(
      'INVALID',
      'The name of a partner site has at most 80 characters and its introduction at most 1,000, in one paragraph and without hidden characters. Correct it.',
    )
  if (utf8ByteLength(JSON.stringify(parsed.output)) > maxSiteBytes)
    throw new EngineError('TOO_MANY', 'The partner site has more conditions than one message holds. Remove some.')
  for (const object of objectNames) {
    const list = parsed.output.objects[object]
    const fitting = list && fittingList(schema(object), list)
    if (!isWhole(list, fitting))
      throw new EngineError(
        'INVALID',
        `The list of ${schema(object).plural} names a field that there is not, or a condition that does not fit its field. Correct it.`,
      )
  }
  return parsed.output
}

function isWhole(list: SiteList | undefined, fitting: SiteList | undefined): boolean {
  return (['columns', 'sort', 'conditions'] as const).every((part) => list?.[part]?.length === fitting?.[part]?.length)
}

function checkedLocale(locale: string): string {
  try {
    const [known] = Intl.NumberFormat.supportedLocalesOf(locale)
    if (known !== undefined) return known
  } catch {
    // No tag at all.
  }
  throw new EngineError('INVALID', 'The locale must be a language tag such as de-DE. Choose one of the list.')
}
