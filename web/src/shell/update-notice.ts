/**
 * Shows that a newer version is here, over the page's lower edge. It takes no focus, so nobody who types is disturbed. “Later” hides it until the page is opened
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
