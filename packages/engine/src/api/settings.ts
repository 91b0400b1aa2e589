/**
 * What the org and the person at this device have chosen for how values are read and shown. It travels to the org's other devices and never to another org.
 *
 * @example
 * ```ts
 * await vendor.settings.change({ currency: 'EUR', locale: 'de-DE' })
 * console.log(vendor.settings.read()) // {"currency":"EUR","locale":"de-DE"}
 * ```
 */
export interface SettingsApi {
  read(): Settings

  /**
   * Changes what is given and leaves the rest.
   *
   * @param settings a `locale` of null goes back to the page's language
   * @throws EngineError INVALID for a currency or a locale that this device's `Intl` does not know; NOT_ALLOWED for a
   * member who changes the currency
   */
  change(settings: { readonly currency?: string; readonly locale?: string | null }): Promise<void>
}

export interface Settings {
  /** ISO 4217 code of amounts that name none: the org's, chosen by an admin. "USD" until then. */
  readonly currency: string
  /** BCP 47 tag by which numbers and dates are read and shown for this person; undefined: by the page's language. */
  readonly locale: string | undefined
}
