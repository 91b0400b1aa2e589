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

export function statusBadge(status: OutboundStatus | InboundStatus | undefined, hasCopy = false): TemplateResult | typeof nothing {
  const text = statusText(status, hasCopy)
  if (text === '') return nothing
  return html`<span class="badge ${status === undefined ? 'good' : (words[status]?.[1] ?? '')}" title=${status ?? nothing}>${text}</span>`
}

/** A status in plain words; "" for none. */
export function statusText(status: OutboundStatus | InboundStatus | undefined, hasCopy = false): string {
  if (status === undefined) return hasCopy ? 'Exported' : ''
  return words[status]?.[0] ?? status
}
