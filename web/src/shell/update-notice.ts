/** Tells the page how much room the notice takes. */
const room = new ResizeObserver(([entry]) => {
  const height = entry?.target.isConnected === true ? entry.borderBoxSize[0]?.blockSize : undefined
  if (height === undefined) document.documentElement.style.removeProperty('--notice')
  else document.documentElement.style.setProperty('--notice', `${height}px`)
})

/**
 * Shows that a newer version is here, below the page, and covers nothing of it. It takes no focus, so nobody who types is disturbed. “Later” hides it until the page is opened
 * again, or a still newer version comes.
 */
export function showUpdateNotice(reload: () => void): void {
  document.querySelector('.update')?.remove()
  const notice = document.createElement('aside')
  notice.className = 'update'
  notice.setAttribute('aria-label', 'New version')
  const words = document.createElement('p')
  words.setAttribute('role', 'status')
  notice.append(
    words,
    button('Reload now', reload),
    button('Later', () => notice.remove()),
  )
  document.body.append(notice)
  room.observe(notice)
  // Into a region that is there already, so that a screen reader says it.
  words.textContent = 'A new version is here.'
}

function button(text: string, act: () => void): HTMLButtonElement {
  const made = document.createElement('button')
  made.type = 'button'
  made.textContent = text
  made.addEventListener('click', act)
  return made
}
