import type { InboundStatus, OutboundStatus } from '@entente/engine'
import { html, nothing, type TemplateResult } from 'lit'

export type Tone = 'good' | 'warn' | 'bad' | 'accent' | ''

/** A published status in plain words. The published name stands in the title, so that people can look it up. */
const words: Readonly<Record<OutboundStatus | InboundStatus, readonly [string, Tone]>> = {
  ExportInProgress: ['Exporting', 'accent'],
  ExportSuccess: ['Exported', 'good'],
  ExportSuccessSkipped: ['Already exported', 'good'],
  ExportSuccessPartial: ['Exported in part', 'warn'],
  ExportPublishFieldMapError: ['Vendor: field mapping', 'bad'],
  ExportPublishConnectionError: ['Vendor: connection', 'bad'],
  ExportPublishEventError: ['Vendor: not sent', 'bad'],
  ExportPublishUnknownError: ['Vendor: failed', 'bad'],
  ExportSubscribeFieldMapError: ['Partner: field mapping', 'bad'],
  ExportSubscribeUnknownError: ['Partner: failed', 'bad'],
  UpdateInProgress: ['Sending update', 'accent'],
  UpdateSuccess: ['Up to date', 'good'],
  UpdatePublishFieldMapError: ['Update: field mapping', 'bad'],
  UpdatePublishConnectionError: ['Update: connection', 'bad'],
  UpdatePublishEventError: ['Update: not sent', 'bad'],
  UpdatePublishUnknownError: ['Update: failed', 'bad'],
  UpdateSubscribeFieldMapError: ['Peer: field mapping', 'bad'],
  UpdateSubscribeRecordNotFound: ['Peer: record gone', 'bad'],
  UpdateSubscribeUnknownError: ['Peer: failed', 'bad'],
  ImportSuccess: ['Imported', 'good'],
  ImportConctExtlRecError: ['Mirror not made', 'bad'],
  UpdateFieldMapError: ['Unreadable value', 'bad'],
  UpdateConctExtlRecError: ['Mirror failed', 'bad'],
  UpdateUnknownError: ['Update failed', 'bad'],
}

/** A published status in plain words. */
export function statusText(status: OutboundStatus | InboundStatus | undefined): string {
  return status === undefined ? '' : (words[status]?.[0] ?? status)
}

/** How the export of a listing stands; "" where nobody asked for it. A copy that was deleted since can be exported again. */
export function listingText(status: OutboundStatus | undefined, hasCopy: boolean): string {
  if (status === undefined) return hasCopy ? 'Exported' : ''
  return isDone(status) && !hasCopy ? 'Copy deleted' : statusText(status)
}

export function listingBadge(status: OutboundStatus | undefined, hasCopy: boolean): TemplateResult | typeof nothing {
  const text = listingText(status, hasCopy)
  if (text === '') return nothing
  const tone = status === undefined ? 'good' : isDone(status) && !hasCopy ? '' : (words[status]?.[1] ?? '')
  return html`<span class="badge ${tone}" title=${status ?? nothing}>${text}</span>`
}

const isDone = (status: OutboundStatus): boolean => status.startsWith('ExportSuccess')
