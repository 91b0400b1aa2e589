import { findField, listValues, type Field, type ObjectSchema } from '../schema/index.js'
import type { ColumnGuess } from './guess.js'

/**
 * Proposes a custom field for a column that fits none: API name and label from the column's name, the guessed type, and a picklist of the values seen. A
 * person corrects it before `records.addField` takes it.
 *
 * @param values the column's different texts
 */
export function proposeCustomField(guess: ColumnGuess, schema: ObjectSchema, values: readonly string[] = guess.samples): Field {
  const label = labelOf(guess.column)
  const base = { name: freeName(label, schema), label, custom: true }
  switch (guess.type) {
    case 'picklist':
      return guess.distinct > values.length
        ? { ...base, type: 'text', length: 255 }
        : { ...base, type: 'picklist', picklist: listValues(values), restricted: true }
    case 'number':
      return { ...base, type: 'number', precision: 18, scale: guess.scale }
    case 'percent':
      return { ...base, type: 'percent', precision: 18, scale: guess.scale }
    case 'currency':
      return { ...base, type: 'currency', precision: 18, scale: guess.scale }
    case 'text':
      return { ...base, type: 'text', length: 255 }
    default:
      return { ...base, type: guess.type }
  }
}

function labelOf(column: string): string {
  const words = column
    .replace(/([a-z\d])([A-Z])/g, '$1 $2')
    .replace(/__c$/i, '')
    .replace(/[_\s]+/g, ' ')
    .trim()
  const label = words === '' ? 'Column' : words.slice(0, 80).trim()
  return label.charAt(0).toUpperCase() + label.slice(1)
}

function freeName(label: string, schema: ObjectSchema): string {
  const plain = label
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '')
  const stem = (/^[A-Za-z]/.test(plain) ? plain : `Column_${plain}`).replace(/_+$/, '').slice(0, 70)
  let name = `${stem}__c`
  for (let copy = 2; findField(schema, name) !== undefined; copy++) name = `${stem}_${copy}__c`
  return name
}
