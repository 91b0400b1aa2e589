import type { Field } from '@entente/engine'

const words: Readonly<Record<Field['type'], string>> = {
  text: 'text',
  textArea: 'long text',
  email: 'email address',
  phone: 'phone number',
  url: 'web address',
  number: 'number',
  percent: 'percent',
  currency: 'amount of money',
  checkbox: 'yes or no',
  date: 'date',
  dateTime: 'date and time',
  time: 'time of day',
  picklist: 'choice',
}

/** A field's type as people call it. */
export function typeWord(type: Field['type']): string {
  return words[type]
}
