import type { MirrorView } from '@entente/engine'
import { html, nothing, type TemplateResult } from 'lit'
import { formatClock } from '../value/format.js'
import { showText } from '../value/show-text.js'
import { isOld, whenSigned } from './when.js'

export interface Surroundings {
  readonly now: number
  readonly language: string
  /** The mirror has waited longer than usual for its next signature. */
  readonly isLongWait: boolean
  /** This device has no line to the relay. */
  readonly isOffline: boolean
  /** The mirror's connection works. */
  readonly isConnected: boolean
  /** Some record differs, and it is not known yet which. */
  readonly isSearching: boolean
}

/** One line about a mirror: as of when its owner signed it, or what is wrong with it. */
export function signedLine({ signed, state, peerName, changedAt }: MirrorView, around: Surroundings): TemplateResult | typeof nothing {
  const { now, language, isLongWait, isConnected, isSearching } = around
  const peer = showText(peerName, 80)
  const since = signed.since === undefined ? '' : formatClock(signed.since, now, language).text
  if (signed.state === 'differs') {
    const sentence = (subject: string): string => (since === '' ? `T${subject.slice(1)}` : `Since ${since}, ${subject}`)
    return notice(
      'bad',
      isSearching
        ? html`${sentence('this or another record has')} differed from what ${peer} signed. This device has read all of them again, and
          looks for the record.`
        : html`${sentence('this has')} differed from what ${peer} signed. This device has read it again; ${peer} has been asked to send it
          again.`,
    )
  }
  // After the end of a connection nothing is expected any more.
  if (signed.state === 'held back' && isConnected)
    return notice('warn', html`The relay has held something back${since === '' ? '' : ` since ${since}`}, so this may be out of date.`)
  if (state === 'waiting' || signed.signedAt === undefined)
    return isLongWait && isConnected ? line(html`Not confirmed yet: ${peer} has signed nothing that came here.`) : nothing
  const when = whenSigned(signed.signedAt, now, language)
  if (signed.state === 'signed')
    return line(
      html`As ${peer} signed it ${when}${isOld(signed.signedAt, now) && state === 'live' ? html`: ${reason(peer, around)}` : nothing}`,
    )
  if (isLongWait && isConnected) return line(html`Not confirmed yet; ${peer} last signed it ${when}`)
  // A signature is over many records: another one’s edit leaves this one as it was signed.
  return changedAt !== undefined && changedAt > signed.signedAt
    ? line(html`Changed since ${peer} signed it ${when}`)
    : line(html`As ${peer} signed it ${when}`)
}

function reason(peer: TemplateResult, { isOffline }: Surroundings): TemplateResult {
  return isOffline ? html`this device is offline` : html`${peer} may be offline, or the relay gives nothing new`
}

function line(words: TemplateResult): TemplateResult {
  return html`<p class="soft small signed">${words}</p>`
}

function notice(tone: 'warn' | 'bad', words: TemplateResult): TemplateResult {
  return html`<div class="notice ${tone} signed" role="status"><div>${words}</div></div>`
}
