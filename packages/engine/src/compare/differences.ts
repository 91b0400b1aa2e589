import type { DifferencesApi, DifferencesPage, DifferencesQuery, SettingsApi } from '../api/index.js'
import { EngineError } from '../error.js'
import { addDecimals, compareDecimals, isDecimal } from '../schema/decimal.js'
import type { Difference, PeerIndex } from './peer-index.js'

/** Where own records and mirrors differ now. */
export function createDifferences(index: PeerIndex, settings: SettingsApi): DifferencesApi {
  return {
    list(query = {}) {
      const { least } = query.stake ?? {}
      if (least !== undefined && !isDecimal(least))
        throw new EngineError('INVALID', 'The least amount must be a number such as 1000.50. Correct it.')
      const found: Difference[] = []
      for (const { differences } of index.compared()) for (const each of differences) if (isWanted(each, query)) found.push(each)
      const { currency } = settings.read()
      const byStake = (a: Difference, b: Difference): number => compareStakes(a, b, currency)
      found.sort(
        query.sort === 'value'
          ? (a, b) => byStake(a, b) || byRecord(a, b) || a.rank - b.rank
          : (a, b) => a.rank - b.rank || byStake(a, b) || byRecord(a, b),
      )
      return { ...summed(found, currency), pending: index.pending }
    },
  }
}

function isWanted({ view }: Difference, { object, connection, field, stake }: DifferencesQuery): boolean {
  return (
    (object === undefined || view.object === object) &&
    (connection === undefined || view.connection === connection) &&
    (field === undefined || view.own.name === field) &&
    (!stake ||
      (view.stake?.currency === stake.currency && (stake.least === undefined || compareDecimals(view.stake.amount, stake.least) >= 0)))
  )
}

/** Amounts of two currencies are never compared: the org's own comes first, the others by their codes, and then what has no amount. */
function compareStakes({ view: { stake: a } }: Difference, { view: { stake: b } }: Difference, own: string): number {
  if (!a || !b) return Number(!a) - Number(!b)
  if (a.currency === b.currency) return compareDecimals(b.amount, a.amount)
  return compareCurrencies(a.currency, b.currency, own)
}

function compareCurrencies(a: string, b: string, own: string): number {
  return Number(b === own) - Number(a === own) || (a < b ? -1 : 1)
}

function byRecord({ view: a }: Difference, { view: b }: Difference): number {
  return a.record < b.record ? -1 : a.record > b.record ? 1 : a.share < b.share ? -1 : Number(a.share > b.share)
}

function summed(found: readonly Difference[], own: string): Omit<DifferencesPage, 'pending'> {
  const records = new Set<string>()
  const sums = new Map<string, { amount: string; records: number }>()
  for (const { view } of found) {
    if (records.has(view.record)) continue
    records.add(view.record)
    if (!view.stake) continue
    const sum = sums.get(view.stake.currency) ?? { amount: '0', records: 0 }
    sums.set(view.stake.currency, { amount: addDecimals(sum.amount, view.stake.amount), records: sum.records + 1 })
  }
  const stakes = [...sums].map(([currency, sum]) => ({ currency, ...sum })).sort((a, b) => compareCurrencies(a.currency, b.currency, own))
  return { differences: found.map(({ view }) => view), records: records.size, stakes }
}
