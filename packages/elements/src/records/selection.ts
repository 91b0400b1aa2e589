/** The selected rows by id, and the anchor of a range. Ids survive filtering and sorting; positions would not. */
export interface Selection {
  readonly ids: ReadonlySet<string>
  readonly anchor: string | undefined
}

export const noSelection: Selection = { ids: new Set(), anchor: undefined }

export function toggle(selection: Selection, id: string): Selection {
  const ids = new Set(selection.ids)
  if (!ids.delete(id)) ids.add(id)
  return { ids, anchor: id }
}

/** Adds all rows between the anchor and `id`, both included, in the shown order. Without an anchor in the list it adds only the row itself. */
export function extendTo(selection: Selection, id: string, order: readonly string[]): Selection {
  const from = selection.anchor === undefined ? -1 : order.indexOf(selection.anchor)
  const to = order.indexOf(id)
  if (to < 0) return selection
  if (from < 0) return toggle({ ids: new Set([...selection.ids].filter((other) => other !== id)), anchor: undefined }, id)
  const range = order.slice(Math.min(from, to), Math.max(from, to) + 1)
  return { ids: new Set([...selection.ids, ...range]), anchor: selection.anchor }
}

/** Selects all shown rows, or none if all of them are selected already. */
export function toggleAll(selection: Selection, order: readonly string[]): Selection {
  const all = order.length > 0 && order.every((id) => selection.ids.has(id))
  return { ids: all ? new Set() : new Set(order), anchor: undefined }
}
