import type { ConnectionId } from '@entente/protocol'
import type { Condition } from '../query/condition.js'
import type { SortKey } from '../query/query.js'
import type { ObjectName } from '../schema/schema.js'

/**
 * What the org and the person at this device have chosen for how values are read and shown, and what its admins have chosen for how pages look. It travels to the org's other
 * devices; of it all, only how a partner site looks reaches another org, and that partner alone.
 *
 * @example
 * ```ts
 * await vendor.settings.change({ currency: 'EUR', locale: 'de-DE' })
 * await vendor.settings.change({ pages: { Opportunity: { lists: ['mirrors'], mirrorFields: ['StageName'] } } })
 * const { currency, pages } = vendor.settings.read()
 * console.log(currency, pages.Opportunity.lists, pages.Lead.lists) // EUR ["mirrors"] ["mirrors","changes","shares"]
 *
 * await vendor.settings.changeSite(connection, {
 *   name: 'Deals for Tessaly',
 *   introduction: 'Choose what you want to work on.',
 *   objects: { Opportunity: { columns: ['Name', 'StageName'], sort: [{ field: 'Name', direction: 'ascending' }] } },
 * })
 * await until(partner, () => partner.settings.site(connection).name !== '')
 * console.log(partner.settings.site(connection).name) // Deals for Tessaly
 * ```
 */
export interface SettingsApi {
  read(): Settings

  /**
   * Changes what is given and leaves the rest.
   *
   * @param settings a `locale` of null goes back to the page's language, a page of null to the usual one
   * @throws EngineError INVALID for a currency or a locale that this device's `Intl` does not know, or a page that names a list twice; NOT_ALLOWED for a
   * member who changes the currency or a page
   */
  change(settings: {
    readonly currency?: string
    readonly locale?: string | null
    readonly pages?: { readonly [Name in ObjectName]?: RecordPage | null }
  }): Promise<void>

  /** How a connection's partner site looks, as the vendor's admins chose it: only what fits the fields that there are now. */
  site(connection: ConnectionId): PartnerSite

  /**
   * Chooses how a partner site looks, and tells the partner (rule PE3).
   *
   * @throws EngineError INVALID for a text that is too long or has hidden characters, an unknown field, or a condition that does not fit its field;
   * TOO_MANY for more conditions than one message holds; NOT_ALLOWED for a member or on the partner's side; NOT_FOUND, NOT_CONNECTED
   */
  changeSite(connection: ConnectionId, site: PartnerSite): Promise<void>
}

export interface Settings {
  /** ISO 4217 code of amounts that name none: the org's, chosen by an admin. "USD" until then. */
  readonly currency: string
  /** BCP 47 tag by which numbers and dates are read and shown for this person; undefined: by the page's language. */
  readonly locale: string | undefined
  /** How the pages of records look, chosen by an admin for all of the org. */
  readonly pages: { readonly [Name in ObjectName]: RecordPage }
}

/** The lists that may stand on a record's page: the mirrors, what changed in them since the person looked, and over which connections it is shared. */
export const relatedLists = ['mirrors', 'changes', 'shares'] as const
export type RelatedList = (typeof relatedLists)[number]

/** How the page of a record looks. */
export interface RecordPage {
  /** The related lists that stand there, in their order. */
  readonly lists: readonly RelatedList[]
  /** API names of own fields: a mirror shows those that are agreed with it, in this order. All that are agreed, if left out. */
  readonly mirrorFields?: readonly string[]
}

/** How one object's list on a partner site looks until the person there changes it. Fields by the vendor's API names. */
export interface SiteList {
  /** The columns in their order; all agreed fields if left out. At most 50. */
  readonly columns?: readonly string[]
  /** At most 5 keys. */
  readonly sort?: readonly SortKey[]
  /** All of them hold. At most 20. */
  readonly conditions?: readonly Condition[]
}

/** How a vendor's partner site looks to one partner. Texts hold no control or direction characters. */
export interface PartnerSite {
  /** At most 80 characters; empty for none. */
  readonly name: string
  /** At most 1,000 characters, one paragraph; empty for none. */
  readonly introduction: string
  readonly objects: { readonly [Name in ObjectName]?: SiteList }
}
