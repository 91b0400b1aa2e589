import type { SettingsApi } from '../api/index.js'
import { EngineError } from '../error.js'
import type { Identity } from '../identity/identity.js'
import { valueOf } from '../row/row.js'
import type { RowEdit, Rows } from '../row/rows.js'

/** The row of what the org has chosen. A person's own choices are in a row by the person's id. */
const orgRow = { object: 'Setting', id: 'org' } as const

const defaultCurrency = 'USD'

export interface SettingsParts {
  readonly rows: Rows
  readonly user: Identity['user']
}

/** What the org and its people have chosen for how values are read and shown. */
export function createSettings({ rows, user }: SettingsParts): SettingsApi {
  const ownRow = { object: 'Setting', id: `person ${user.id}` } as const
  const textIn = (row: typeof orgRow | typeof ownRow, register: string): string | undefined => {
    const value = valueOf(rows.get(row.object, row.id), register)
    return typeof value === 'string' && value !== '' ? value : undefined
  }
  return {
    read: () => ({ currency: textIn(orgRow, 'currency') ?? defaultCurrency, locale: textIn(ownRow, 'locale') }),
    async change({ currency, locale }) {
      const edits: RowEdit[] = []
      if (currency !== undefined) {
        if (user.role !== 'admin')
          throw new EngineError('NOT_ALLOWED', 'Only an admin chooses the org’s currency. Ask an admin of your org.')
        if (!Intl.supportedValuesOf('currency').includes(currency))
          throw new EngineError('INVALID', 'The currency must be an ISO 4217 code such as EUR. Choose one of the list.')
        edits.push({ ...orgRow, values: { currency } })
      }
      if (locale !== undefined) edits.push({ ...ownRow, values: { locale: locale === null ? '' : checkedLocale(locale) } })
      if (edits.length > 0) await rows.save(edits)
    },
  }
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
