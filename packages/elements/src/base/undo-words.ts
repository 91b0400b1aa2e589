import type { Engine, UndoLeft, UndoResult, UndoStep } from '@entente/engine'
import { formatCount } from '../value/format.js'
import { plainText } from '../value/show-text.js'

/** What an undo did and what it left, in words. */
export function undoWords(engine: Engine, { step, records, removed, fields, left }: UndoResult, language: string): string {
  const schema = engine.records.schema(step.object)
  const label = (name: string): string => plainText(schema.fields.find((field) => field.name === name)?.label ?? name, 80)
  const count = (many: number, one: string, more: string): string => `${formatCount(many, language)} ${many === 1 ? one : more}`
  const stays = (why: UndoLeft['why']): number => left.filter((each) => each.why === why).length
  const [changed, exported] = [stays('changed'), stays('exported')]

  switch (step.kind) {
    case 'save': {
      const [first] = fields
      const done =
        first === undefined ? 'Nothing was restored' : `Restored ${fields.length === 1 ? label(first) : `${fields.length} fields`}`
      if (stays('deleted') > 0) return `${done}: the record was deleted since.`
      const names = left.map(({ field }) => label(field))
      if (names.length === 0) return `${done}.`
      const list = new Intl.ListFormat(language, { type: 'conjunction' }).format(names)
      return `${done}; ${list} ${names.length === 1 ? 'was' : 'were'} changed since.`
    }
    case 'create':
      if (removed > 0) return 'The new record was removed.'
      return exported > 0 ? 'The record stays: it was exported since.' : changed > 0 ? 'The record stays: it was changed since.' : gone
    case 'convert':
      return records > 0
        ? 'The lead is open again, and the opportunity is removed.'
        : 'The lead stays converted: its opportunity was changed or exported since.'
    case 'delete': {
      if (records === 0) return 'Nothing was restored: the record is back already, or was changed since.'
      const ended = stays('disconnected')
      return ended === 0
        ? 'The record is back, and shared as before.'
        : `The record is back. ${count(ended, 'connection', 'connections')} over which it was shared ${ended === 1 ? 'has' : 'have'} ended.`
    }
    case 'stop sharing':
      return records > 0 ? 'The record is shared again.' : 'Nothing was restored: the sharing was changed since.'
    case 'import': {
      const done = [
        removed > 0 ? `removed ${count(removed, 'record', 'records')}` : '',
        records > removed ? `restored ${count(records - removed, 'record', 'records')}` : '',
      ].filter((part) => part !== '')
      const rest = new Set(left.map(({ record }) => record)).size
      const why = [changed > 0 ? 'changed' : '', exported > 0 ? 'exported' : '', stays('deleted') > 0 ? 'deleted' : ''].filter(
        (part) => part !== '',
      )
      const text = done.length === 0 ? 'nothing was taken back' : done.join(' and ')
      const tail = rest === 0 ? '' : ` ${count(rest, 'stays: it was', 'stay as they are: they were')} ${why.join(' or ')} since.`
      return `${text.charAt(0).toUpperCase()}${text.slice(1)}.${tail}`
    }
  }
}

const gone = 'The record is gone already.'

/** What a step was, in words that a time follows. */
export const stepWords: Readonly<Record<UndoStep['kind'], string>> = {
  create: 'Created',
  save: 'Saved',
  delete: 'Deleted',
  convert: 'Converted',
  'stop sharing': 'Sharing stopped',
  import: 'Imported',
}
