import type { Why } from '@entente/engine'
import { formatClock } from '../value/format.js'
import { plainText } from '../value/show-text.js'

/** Why nothing flows over a share, as one sentence with its time: the same on every screen. */
export function whyText({ what, by, at }: Why, peerName: string, language: string, now: number): string {
  const peer = plainText(peerName, 80)
  const who = by === 'own' ? 'Your org' : by === 'peer' ? peer : `Your org and ${peer}`
  const clock = at === undefined ? undefined : formatClock(at, now, language)
  const when = clock === undefined ? '' : clock.isToday ? ` at ${clock.text}` : ` on ${clock.text}`
  return sentences[what](who, when)
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
  unagreed: () => 'The agreement in force lets no field keep flowing.',
  purged: (who, when) => `${who} removed the connection${when}.`,
}
