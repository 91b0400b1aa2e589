import type { Field, ObjectSchema } from '@entente/engine'

/** What is shown where the page does not say, after what people look for first. */
const usual: Readonly<Record<string, readonly string[]>> = {
  Opportunity: ['Name', 'AccountName', 'StageName', 'Amount', 'CloseDate', 'NextStep', 'OwnerName'],
  Lead: ['LastName', 'FirstName', 'Company', 'Status', 'Email', 'Rating', 'LeadSource', 'OwnerName'],
}

/** The fields that stand as columns, in the order asked for; what the object does not have is left out. */
export function columnsOf(object: string, fields: readonly Field[], asked: readonly string[] | undefined): readonly Field[] {
  const names = asked ?? usual[object] ?? []
  const found = names.flatMap((name) => fields.find((field) => field.name === name) ?? [])
  return found.length > 0 ? found : fields.slice(0, 6)
}

/** The widths of the columns for `grid-template-columns`. */
export function widthsOf(columns: readonly Field[], schema: Pick<ObjectSchema, 'nameField'>, extra: readonly string[]): string {
  const widths = columns.map((field) => {
    if (field.name === schema.nameField) return 'minmax(190px, 2.4fr)'
    switch (field.type) {
      case 'checkbox':
      case 'percent':
      case 'time':
        return 'minmax(80px, 0.6fr)'
      case 'number':
      case 'currency':
      case 'date':
        return 'minmax(112px, 0.9fr)'
      default:
        return 'minmax(130px, 1.3fr)'
    }
  })
  return [...extra.slice(0, 1), ...widths, ...extra.slice(1)].filter((width) => width !== '').join(' ')
}
