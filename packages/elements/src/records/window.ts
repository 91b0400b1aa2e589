/** The rows of a long list that are in the page: those in sight and a few around them. */
export interface RowWindow {
  readonly first: number
  /** Exclusive. */
  readonly end: number
}

/** Rows rendered beyond each edge, so that a quick scroll meets rendered rows. */
const overscan = 8

/** Computes the window. All rows have the same height, so it is arithmetic, and a windowing library would only measure. Heights in pixels. */
export function windowOf(count: number, rowHeight: number, scrollTop: number, height: number): RowWindow {
  const first = Math.max(0, Math.floor(scrollTop / rowHeight) - overscan)
  const end = Math.min(count, Math.ceil((scrollTop + height) / rowHeight) + overscan)
  return { first: Math.min(first, end), end }
}

/** The scroll position at which a row is fully in sight, or undefined if it already is. */
export function scrollTopFor(index: number, rowHeight: number, scrollTop: number, height: number): number | undefined {
  const top = index * rowHeight
  if (top < scrollTop) return top
  return top + rowHeight > scrollTop + height ? top + rowHeight - height : undefined
}
