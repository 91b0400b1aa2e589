import type { JobView } from '@entente/engine'
import { formatCount } from '../value/format.js'

/** What has become of an export's records, beside those that were imported whole. */
export function countLine({ partial, skipped, failed, cancelled }: JobView, language: string): string {
  const counts: readonly (readonly [number, string])[] = [
    [partial, 'imported in part'],
    [skipped, 'already exported'],
    [failed, 'failed'],
    [cancelled, 'cancelled'],
  ]
  return counts.flatMap(([count, words]) => (count > 0 ? `${formatCount(count, language)} ${words}` : [])).join(', ')
}

export function paceWords({ perSecond }: JobView, language: string): string {
  return perSecond >= 1
    ? `${formatCount(Math.round(perSecond), language)} a second`
    : `${formatCount(Math.round(perSecond * 60), language)} a minute`
}

/** How long an export still takes at its present pace. */
export function leftWords({ total, imported, partial, skipped, failed, cancelled, perSecond }: JobView): string {
  const seconds = (total - imported - partial - skipped - failed - cancelled) / perSecond
  if (seconds < 60) return ', less than a minute left'
  const minutes = Math.round(seconds / 60)
  return minutes < 60 ? `, about ${minutes === 1 ? 'a minute' : `${minutes} minutes`} left` : `, about ${Math.round(minutes / 60)} h left`
}

/** What has come of a recall, in a sentence. */
export function recallLine({ recall, side }: JobView, language: string): string {
  const { asked, deleted, kept } = recall ?? { asked: 0, deleted: 0, kept: 0 }
  const records = (count: number): string => `${formatCount(count, language)} ${count === 1 ? 'record' : 'records'}`
  const parts = [
    ...(deleted > 0 ? [`${records(deleted)} taken back or deleted`] : []),
    ...(kept > 0 ? [`${records(kept)} kept`] : []),
    ...(asked > 0 ? [`${records(asked)} wait for the partner`] : []),
  ]
  return `${side === 'vendor' ? 'Recalled by your org' : 'Recalled by the vendor'}: ${parts.join(', ')}.`
}
