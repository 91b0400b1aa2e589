import type { Engine, ShareView, Why } from '@entente/engine'
import { formatClock } from '../value/format.js'
import { plainText } from '../value/show-text.js'
import { statusText, type Tone } from './status-words.js'

// One share has one status: one word for a badge and one sentence, the same on every screen.

/** When and where a sentence is read. `now` is in milliseconds since 1970. */
export interface Reader {
  readonly language: string
  readonly now: number
  /** This device has no line to the relay. */
  readonly isOffline: boolean
}

export function readerOf(engine: Engine, language: string): Reader {
  return { language, now: Date.now(), isOffline: engine.sync.status().state !== 'online' }
}

/** The one word of a share, and its tone. */
export function shareWord(share: ShareView): readonly [string, Tone] {
  const { state, why, outbound, inbound } = share
  if (state === 'ended') return [why ? endWords[why.what] : '', '']
  if (isCancelled(share)) return ['Cancelled', '']
  if (state === 'stuck') return [statusText([outbound, inbound].find((status) => status?.endsWith('Error'))), 'bad']
  return words[state]
}

/** Whether the partner gave the export up. Nothing failed then. */
export const isCancelled = ({ errors }: ShareView): boolean => errors[0]?.rule === 'cancelled'

/** What is so with a share, as one sentence. */
export function shareText(share: ShareView, reader: Reader): string {
  const { state, why, receipt, outbound } = share
  const peer = plainText(share.peerName, 80)
  switch (state) {
    case 'exporting':
      return `The export to ${peer} is under way.`
    case 'failed':
      return isCancelled(share) ? `${peer} cancelled this export before it was imported.` : `The export to ${peer} failed.`
    case 'ended':
      return why ? whyText(why, peer, reader.language, reader.now) : ''
    case 'stuck':
      return outbound?.endsWith('Error') === true
        ? `Your latest edit does not get through to ${peer}.`
        : `Not all of ${peer}’s values arrive.`
    case 'sending':
      if (receipt?.reached === 'relay') return `The relay has your latest edit, and ${peer} has not read it yet.`
      return reader.isOffline
        ? 'Your latest edit waits on this device until there is a line.'
        : 'Your latest edit is on its way to the relay.'
    case 'current':
      return receipt ? `${peer} has read your latest edit.` : `Nothing of yours waits for ${peer}.`
  }
}

/** Why nothing flows over a share, as one sentence with its time. */
export function whyText({ what, by, at }: Why, peerName: string, language: string, now: number): string {
  const peer = plainText(peerName, 80)
  const who = by === 'own' ? 'Your org' : by === 'peer' ? peer : `Your org and ${peer}`
  const clock = at === undefined ? undefined : formatClock(at, now, language)
  const when = clock === undefined ? '' : clock.isToday ? ` at ${clock.text}` : ` on ${clock.text}`
  return sentences[what](who, when)
}

const words = {
  exporting: ['Exporting', 'accent'],
  failed: ['Export failed', 'bad'],
  sending: ['On its way', 'accent'],
  current: ['Up to date', 'good'],
} as const

const endWords: Readonly<Record<Why['what'], string>> = {
  stopped: 'Stopped',
  deleted: 'Deleted',
  converted: 'Converted',
  paused: 'Paused',
  switchedOff: 'Switched off',
  disconnected: 'Disconnected',
  mismatch: 'Codes differ',
  disagreement: 'Agreements differ',
  withdrawn: 'Withdrawn',
  unagreed: 'Not agreed',
  purged: 'Removed',
}

const sentences: Readonly<Record<Why['what'], (who: string, when: string) => string>> = {
  stopped: (who, when) => `${who} stopped sharing its record${when}.`,
  deleted: (who, when) => `${who} deleted its record${when}.`,
  converted: (who, when) => `${who} converted its lead${when}.`,
  paused: (who, when) => `${who} paused the connection${when}.`,
  switchedOff: (who, when) => `${who} switched this kind of record off for the connection${when}.`,
  disconnected: (who, when) => `${who} ended the connection${when}.`,
  mismatch: (who, when) => `${who} found${when} that the codes of both orgs differ.`,
  disagreement: (_, when) => `The connection stopped${when}: both orgs computed another agreement.`,
  withdrawn: (who, when) => `${who} withdrew the last field that kept flowing${when}.`,
  unagreed: () => 'No agreement in force lets a field keep flowing.',
  purged: (who, when) => `${who} removed the connection${when}.`,
}
