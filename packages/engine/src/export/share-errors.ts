import type { ExportError, InboundStatus, OutboundStatus } from '../api/index.js'

type Words = Pick<ExportError, 'message' | 'fix'>

/** What went wrong and what to do, for each status of an update that has no words of its own. None of them holds a value. */
export const errorWords: Readonly<Partial<Record<OutboundStatus | InboundStatus, Words>>> = {
  UpdatePublishUnknownError: {
    message: 'The relay says that it has your latest edit, and does not show it.',
    fix: 'This device sends it again by itself. If it lasts, tell the relay’s operator.',
  },
  UpdateSubscribeFieldMapError: {
    message: 'The other org received a value of this record that does not open there.',
    fix: 'Your device sends the record again by itself. If it lasts, edit the record, and both orgs update the app.',
  },
  UpdateSubscribeUnknownError: {
    message: 'The other org received something else of this record than your org signed.',
    fix: 'Your device sends the record again by itself. If it lasts, tell the relay’s operator.',
  },
  ImportConctExtlRecError: {
    message: 'The relay holds back what the other org sends of its record.',
    fix: 'This device asks again by itself. If it lasts, tell the relay’s operator.',
  },
  UpdateConctExtlRecError: {
    message: 'What came of the other org’s record is not what it signed, or the relay holds something back.',
    fix: 'This device asks again by itself. If it lasts, tell the relay’s operator.',
  },
  UpdateUnknownError: {
    message: 'Something came of the other org’s record that this device cannot read yet.',
    fix: 'It is read once the agreement and the key to it have arrived. If that takes long, look at the connection.',
  },
}

/** Why the relay did not take the latest edit, by its code. */
export function refusedWords(code: string): Words {
  if (code === 'SIZE')
    return { message: 'The relay takes no update as large as this record’s.', fix: 'Shorten its longest text that keeps flowing.' }
  if (code === 'QUOTA')
    return { message: 'The relay has no room left for your org.', fix: 'Ask its operator for more. This device tries again by itself.' }
  if (code === 'RATE' || code === 'UNAVAILABLE')
    return { message: 'The relay takes nothing at present.', fix: 'This device tries again by itself. If it lasts, tell the operator.' }
  return {
    message: 'The relay refused your latest edit.',
    fix: 'Edit the record again. If it is refused again, tell the relay’s operator.',
  }
}
