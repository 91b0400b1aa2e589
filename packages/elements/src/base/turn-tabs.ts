/** Left and right, Home and End go from tab to tab in a tablist, and choose the tab as a click would. */
export function turnTabs(event: KeyboardEvent): void {
  const list = event.currentTarget
  if (!(list instanceof HTMLElement)) return
  const tabs = [...list.querySelectorAll<HTMLElement>('[role="tab"]')]
  const now = tabs.findIndex((tab) => tab === event.target)
  const isMirrored = getComputedStyle(list).direction === 'rtl'
  const next: Readonly<Record<string, number>> = {
    ArrowRight: now + (isMirrored ? -1 : 1),
    ArrowLeft: now + (isMirrored ? 1 : -1),
    Home: 0,
    End: tabs.length - 1,
  }
  const place = next[event.key]
  const tab = place === undefined || now < 0 ? undefined : tabs[(place + tabs.length) % tabs.length]
  if (!tab) return
  event.preventDefault()
  tab.focus()
  tab.click()
}
