import type { Field } from '@entente/engine'

/** The default columns, in the order in which people look for them. */
const usual: Readonly<Record<string, readonly string[]>> = {
  Opportunity: ['Name', 'AccountName', 'StageName', 'Amount', 'CloseDate', 'NextStep', 'OwnerName'],
  Lead: ['LastName', 'FirstName', 'Company', 'Status', 'Email', 'Rating', 'LeadSource', 'OwnerName'],
}

/** The fields shown as columns, in the requested order, without names that the object does not have. */
export function columnsOf(object: string, fields: readonly Field[], asked: readonly string[] | undefined): readonly Field[] {
  const names = asked ?? usual[object] ?? []
  const found = names.flatMap((name) => fields.find((field) => field.name === name) ?? [])
  return found.length > 0 ? found : fields.slice(0, 6)
}

/** The columns as CSS: shares of the width, and the least width (px) at which all of them are legible. Every row uses the same figures. */
export function layOut(
  columns: readonly Field[],
  nameField: string,
  isSelectable: boolean,
  hasStatus: boolean,
): { readonly template: string; readonly least: number } {
  const parts = columns.map((field) => widthOf(field, nameField))
  if (isSelectable) parts.unshift([boxWidth, 0])
  if (hasStatus) parts.push([124, 0.9])
  return {
    template: parts.map(([least, share]) => (share === 0 ? `${least}px` : `minmax(${least}px, ${share}fr)`)).join(' '),
    least: parts.reduce((sum, [least]) => sum + least, 0),
  }
}

const boxWidth = 40

/** The least width (px) and the share of a column: what its heading and a usual value take, so that neither is cut beside a long name. */
function widthOf(field: Field, nameField: string): readonly [number, number] {
  const [least, share] = valueWidth(field, nameField)
  // The heading's letters, and the arrow of its order. A very long label is cut: it must not push the other columns out of sight.
  return [Math.max(least, Math.min(220, Math.ceil(field.label.length * 8.3) + 40)), share]
}

function valueWidth(field: Field, nameField: string): readonly [number, number] {
  if (field.name === nameField) return [210, 2.4]
  switch (field.type) {
    case 'checkbox':
    case 'percent':
    case 'time':
      return [84, 0.6]
    case 'number':
    case 'date':
      return [116, 0.9]
    case 'currency':
      return [132, 0.9]
    case 'dateTime':
      return [178, 0.9]
    default:
      return [134, 1.3]
  }
}
