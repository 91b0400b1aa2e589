/** Which rows of a long list are in the page: those in sight and a few around them. */
export interface RowWindow {
  readonly first: number
  /** Exclusive. */
  readonly end: number
}

/** Rows drawn beyond the edges, so that a quick scroll meets drawn rows. */
const overscan = 8

/** All rows have the same height, so the window is arithmetic; heights in pixels. */
export function windowOf(count: number, rowHeight: number, scrollTop: number, height: number): RowWindow {
  const first = Math.max(0, Math.floor(scrollTop / rowHeight) - overscan)
  const end = Math.min(count, Math.ceil((scrollTop + height) / rowHeight) + overscan)
  return { first: Math.min(first, end), end }
}

/** Where to scroll so that a row is fully in sight, or undefined where it is already. */
export function scrollTopFor(index: number, rowHeight: number, scrollTop: number, height: number): number | undefined {
  const top = index * rowHeight
  if (top < scrollTop) return top
  return top + rowHeight > scrollTop + height ? top + rowHeight - height : undefined
}
