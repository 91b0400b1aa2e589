import { downloadText, type EntenteRecords } from '@entente/elements'
import { writeCsv } from '@entente/engine'

/** Hands the person what a list shows, as CSV for a spreadsheet: its rows in their order, and its columns. */
export function saveShownAsCsv(list: Pick<EntenteRecords, 'shown'> | null, name: string): void {
  if (!list) return
  const { fields, rows } = list.shown
  downloadText(`${name.toLowerCase()}.csv`, 'text/csv', writeCsv(fields, rows))
}

/** A table of texts as CSV for a spreadsheet. */
export function tableToCsv(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const fields = columns.map((label, index) => ({ name: String(index), label, type: 'text' as const, length: 255 }))
  return writeCsv(
    fields,
    rows.map((row) => Object.fromEntries(row.map((cell, index) => [String(index), cell]))),
  )
}
