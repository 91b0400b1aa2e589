/** Marks at which sides a scroll region goes on, for the shadows there: a bar that hides itself tells nobody that there is more. */
export function markEdges(region: HTMLElement): void {
  const frame = region.parentElement
  const { scrollWidth, clientWidth } = region
  const scrolled = Math.abs(region.scrollLeft)
  frame?.toggleAttribute('data-more-start', scrolled > 1)
  frame?.toggleAttribute('data-more-end', scrolled + clientWidth < scrollWidth - 1)
}
