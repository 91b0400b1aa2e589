import { downloadText, type EntenteRecords } from '@entente/elements'
import { writeCsv } from '@entente/engine'

/** Hands the person what a list shows, as CSV for a spreadsheet: its rows in their order, and its columns. */
export function saveShownAsCsv(list: Pick<EntenteRecords, 'shown'> | null, name: string): void {
  if (!list) return
  const { fields, rows } = list.shown
  downloadText(`${name.toLowerCase()}.csv`, 'text/csv', writeCsv(fields, rows))
}
